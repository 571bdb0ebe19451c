"""Tales: what world.py tells as people do who try a program first, in an open vocabulary. Data; `told` in world.py makes
problems of one step of it.

A tale is about a concept of concepts.py, has its numbers {a}, {b}, ... and ends with its question behind "=>" ("=> ." where
the last sentence holds it). Hundreds of nouns, verbs and places stand in for one another, now and then a word that nobody
knows, and there are remarks that don't matter: so the models learn to read past what they don't know. That a sentence makes
sense is not asked for.

Slots: {N} who, {M} and {L} others, {o} the things, {s} one of them, {p} and {p3} other things, {p4} and {p4s} what an aside is
about, {x} a number that doesn't matter, {thing} and {tool} one more of each, {r}, {q}, {r3} kinds of things, {bag} what
holds them, {people} some people, {got}/{get}/{getting} a verb of gaining, {lost}/{lose} of losing, {gone} of leaving, {came}
of coming, {ing} what people or things do somewhere. Those of PHRASES are chosen anew each time.
"""

MORE_THINGS = """almond ant anchor apron arrow avocado axe bandage banner barrel bat bean beet beetle bell belt berry bill bookmark boot
bouquet bow bracket branch broom brownie bucket bug bulb bumper burger bush cabin cable cactus calendar camel camera canoe
carpet cart castle caterpillar chain check cheese cheeseburger chess chestnut chick clam clip clock cloud clown clove club
coaster cobweb coconut collar comb computer cone cork costume couch coupon crab cracker crane crown cube curtain cushion
dart deer diamond dime dinosaur dish dolphin door dolly dragon drawing drink dumpling eagle earring eel essay fan fern fence
ferry fig file film filter flag flamingo flashlight flea football fossil frame fridge gate gem ghost giraffe globe goldfish
grain grapefruit grasshopper guitar gumball hammer handle hanger hedge helmet herb hippo hook hose hot_dog house ice_cube
iris jacket jellybean jewel joke kangaroo kiwi koala ladder ladybug lamb lantern laptop leek lego lens light lily lime
lizard lock locker locket log lunch lynx machine mailbox map mask mat match meatball mint mirror mitten mixer model mole
moth motor mushroom napkin needle nest nickel noodle novel oar oak octopus olive orchid ornament ostrich otter oyster
package paddle page paint pan panda papaya parcel pastry patch pea peacock pebble pedal pelican penny pepper petal piano
piece pigeon pillar pin pine pipe pocket pole pond pony popcorn porcupine postage pot present pretzel prize problem program
pump puppet purse quarter question quilt raccoon radish raft raisin rake raspberry raven recipe record reptile riddle rifle
robe rod rope rug saddle sail salad salmon sandal scale scooter scorpion seal seat seedling shark shelf ship shovel shrimp
shrub sign skate sketch skirt sled sleeve slide slipper snack snake snowball snowflake snowman sofa soldier soup spade
spider sponge spot spray stick stool story straw string suit suitcase sunflower surfboard swing sword tablet taco tadpole
tail tape tart taxi teabag teacup teddy telescope tent test thread tie tin toad toast tooth toothbrush torch tower tractor
train tray treasure trophy trout trumpet tub tuna turkey turnip tyre umbrella uniform urn van vase vest video_game violin
wagon wallet wallflower walrus wand watch watermelon wave web whale whistle wig window wing wire wolf worksheet yacht yogurt
yoyo zebra zipper""".split()
MORE_PEOPLE = """adult customer camper soldier runner swimmer actor farmer driver tourist scout sailor nurse doctor cook kid parent neighbor
musician athlete rider hiker skater clown pirate knight skier volunteer officer baby cousin classmate""".split()
WHO = """baker farmer teacher chef cook waiter gardener painter librarian coach carpenter florist butcher fisherman driver shopkeeper
tailor postman nurse builder captain clerk grocer king queen scientist zookeeper magician hunter plumber mechanic pilot
principal secretary salesman cashier janitor hiker student boy girl man woman lady clown wizard witch pirate giant
restaurant bakery school company factory store shop museum club hotel team""".split()
MORE_PLACES = """beach forest lake river fair circus office station airport playground stadium theater cinema restaurant hotel hospital
castle barn field yard pool pond island mountain city house garage basement attic classroom cafeteria orchard harbor bus
train mall supermarket church bank gym camp party picnic aquarium pet_store bookstore toy_store fun_fair flea_market
art_class birthday_party soccer_game""".split()
MORE_ADJECTIVES = """pink purple brown gray golden silver round square long short tall tiny huge fresh rotten sweet sour soft hard clean dirty
wet dry cheap pretty funny large little plastic paper metal striped spotted colorful shiny dark bright cold hot warm frozen
spicy fancy plain happy sleepy noisy strange lucky""".split()
KINDS = """apple cherry oak pine maple rose chocolate vanilla strawberry lemon peanut rainbow baseball football chess math history
science music cat dog winter summer school fire mountain beach country city kitchen wood glass garden""".split()
MORE_BOXES = """bucket case cage tank truck van bus boat room table page pile group class team tent house garden tree bush plate bottle can
chest suitcase bookcase wagon train pot vase branch bench stack barrel pocket rack cart pen nest pond floor section column
piece""".split()
MONTHS = "January February March April May June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
JOBS = "doctor pilot baker nurse cook farmer sailor dentist teacher painter".split()
# verbs: past, plain and, of gaining, with -ing
GAIN = """bought buy buying; got get getting; found find finding; picked pick picking; made make making; baked bake baking;
caught catch catching; drew draw drawing; planted plant planting; earned earn earning; won win winning;
collected collect collecting; received receive receiving; gathered gather gathering; built build building; took take taking;
painted paint painting; cooked cook cooking; ordered order ordering; borrowed borrow borrowing; saved save saving;
packed pack packing; sewed sew sewing; printed print printing; downloaded download downloading; wrote write writing;
added add adding; brought bring bringing; counted count counting; saw see seeing; prepared prepare preparing;
grew grow growing; folded fold folding; finished finish finishing; carried carry carrying; knitted knit knitting;
carved carve carving; filled fill filling; washed wash washing; harvested harvest harvesting; dug dig digging;
stored store storing; stacked stack stacking; purchased purchase purchasing; discovered discover discovering;
uploaded upload uploading; solved solve solving; cut cut cutting; sold sell selling; read read reading; ate eat eating""".split(";")
LOSS = """lost lose; sold sell; ate eat; used use; gave_away give_away; broke break; threw_away throw_away; donated donate; sent sent;
dropped drop; burned burn; popped pop; deleted delete; wasted waste; spilled spill; returned return; removed remove;
cut_down cut_down; took_out take_out; gave_to_{M} give_to_{M}; lent_to_{M} lend_to_{M}; sold_to_{M} sell_to_{M}; mailed mail;
hid hide; crashed crash; cooked cook; planted plant; shared share; handed_out hand_out; melted melt; traded_away trade_away;
destroyed destroy; let_go let_go; recycled recycle; peeled peel; squashed squash""".split(";")
LEFT = """left went_home flew_away ran_away got_off swam_away walked_out quit moved_away fell_off jumped_off died rolled_away
drove_away disappeared sailed_away were_sold were_stolen escaped hopped_away went_to_the_{place} went_missing sank melted
went_to_sleep were_taken_away crawled_away""".split()
CAME = """came arrived joined_them got_on sat_down flew_over walked_in swam_up ran_over moved_in showed_up came_along landed_there
jumped_in were_added were_born hopped_over drove_up entered came_in appeared climbed_up stopped_by were_brought
were_put_there grew were_built""".split()
ING = """sitting standing lying sleeping playing waiting swimming hiding resting growing hanging flying eating running dancing
walking floating parked stacked lined_up living working shopping crawling kept stored displayed scattered""".split()

PHRASES = dict(
    In="""|||||||On {DAY}, |On {DAY}, |Yesterday, |Last {week|month|year|summer|winter|night}, |After {school|lunch|work|dinner|class|that}, |In the {morning|evening|afternoon}, |One {day|morning|evening}, |
    This {week|morning|year}, |During the {week|summer|break|holidays|night|day|{s} race|{place} trip}, |For {his} birthday, |For {Christmas|Halloween|Easter|dinner|lunch|a party|a project}, |
    While {on vacation|at the {place}|cleaning {his} room|waiting for {M}|walking home|playing}, |At the {place}, |At the {place}, |In the {place}, |In {his} {room|garden|bag|house}, |At {M}'s {house|party}, |
    In {MONTH}, |Before {lunch|dinner|the game|school|that}, |{At|In} the {adj} {place}, |With {his} {rel}, |To {make|build} a {thing}, |For a {place} {sale|party|project}, |At first, |First, |In {coin}, """,
    at="""||||||||| at the {place}| in the {place}| in the {place}| from the {place}| on the {thing}| for {his} {rel}| from {his} {rel}| in {his} {room|garden|bag|pocket|house|desk}| near the {place}| with {his} {rel}|
     on {DAY}| last {week|night|month|year}| yesterday| this {morning|week|year}| for {his} birthday| for the {party|winter|class|school|{place}}| to make a {thing}| during the {day|week|summer}| at {M}'s {house|party}|
     in the {morning|afternoon|evening}| in {MONTH}| under the {thing}| by the {thing}| around the {place}| in {coin}| for {lunch|dinner|school|a game|a picnic}| for the {place} {party|project|show}""",
    all="| in all| in all| altogether| altogether| in total| in total| total| all together| together| combined",
    now="| now| now| then| left| in the end| at the end| after that| still| today",
    left="left| left| left| left| remaining| left over| left now| now",
    aside="""{N}'s {rel} has {x} {p4}.|{N} {is|was} {x} years old.|The {place} is {x} {unit} away.|The {tool} is {x} years old.|There are {also |}{x} {p4}{at}.|
    {His} {rel} {bought|got|had|has} {x} {p4}{ too|}.|It was day {x} of the {month|year}.|{His} {rel} paid ${x} for {a {p4s}|{p4}}.|{N} lives at number {x}.|{x} {p4} were {ing}{at}.|
    {N} {also |}{saw|had} {x} {p4}{at}.|{His} {p4s} cost {x} dollars.|The {p4s} weighs {x} pounds.|{N} {has|had} {x} {p4}, too.""",
    chat="""The {adj} {thing} near the {place} was very {adj} because {M} had {got} the {tool} for {his} {rel}.|{N} and {M} {got} a {thing} when they were at the {place} with {his} {rel}.|
    In {coin} there is a {adj} {place} where many {people} go {every {DAY}|to {get} {p3}}.|{M} {has|had|also has} {x} {p3}.|{N} also {has|had|{got}} {x} {p3}.|Before {he} went to the {place}, {N} had to {get} the {adj} {thing}.|
    To {get} {p3}, {N} {went to the {place}|needs a {tool}|asked {M}}.|{N} was {helping {M}|in charge|getting ready} {at|for} the {place}{ {party|project|sale}|}.|{N} loves {getting} {p}{ and {things}|}.|{N} was {getting} {p3} when {M} {came|called|went home}.|The {place} {has|had} many {adj} {p}.|
    {N} has {a lot of|many} {p}{ in {his} {place}|}.|{M} decided to {get} {p}.|Every {DAY} {N} goes to the {place}.|{N} {wants|wanted} to {get} a {thing} for {M}.|The {place} was {very|so} {adj} that {M} {went home|stayed}.|{N} {likes|loves|wants|has always liked|hates} {p}.|{N} {likes|loves} {getting} {p}.|{N} went to the {place}{ with {M}|}.|{N}'s {rel} is a {job}.|The {place} was {adj}.|It was a {adj} day.|They are {very|all|so} {adj}.|
    {N} and {M} {are friends|went to the {place}|were at the {place}|were {playing|talking|walking}}.|It {is|was} {MONTH}.|{M} was not there.|{N} was very {happy|tired|busy|hungry|proud}.|{He} has a {adj} {thing}.|
    {He} is from {coin}.|The {thing} belongs to {M}.|There is a {thing} in the {place}.|{N} was {getting} {p}{ for a {place}|}.|{M} {is|was} {his} {best friend|{rel}|teacher}.|They {got|made} a {thing} too.""")

TALES = {
    "speed": """{N} {walked|rode|drove|sailed|ran} {a} {unit} in {b} hours{at}. => {How fast was {he}|How many {unit} {an|per} hour is that|What was {his} speed}?
    It is {a} {unit} to the {place}. It {takes|took} {N} {b} hours to get there. => How fast {does|did} {he} go?
    {N} {got} {a} {o} in {b} {hours|days|minutes}. => How many {o} {is that|did {he} {get}} {an hour|a day|a minute|each}?""",
    "sum2": """{N} {got} {a} {o}{at}. {M} {got} {b}{ {o}|}{at}. => How many {o} did {they|{N} and {M}} {get}{all}?
    There are {a} {o} {currently |now |}{at}. {{N}|The {people}} will {get} {b} {more |}{o} {today|tomorrow|}. => How many {o} will {there be|the {place} have|they have} {when they are finished|then|after that|in all}?
    {a} {r} {o} and {b} {q} {o} {were|are} {ing}{at}. => How many {o} {were|are} {there|{ing}}{all}?
    {N} had {a} {o} in {his} {bag}{at}. {He} {got} {b} more{ {o}|}{at}. => How many {o} {did|does} {he} have {then|now|altogether}?
    There were {a} {people} {at the {place}|} and {b} {p}{, too|}. => How many {of them |}were {there|present|at the {place}}{all}?
    {N} {had|has} {a} {o} and {M} {had|has} {b}{ {o}|}. If they put {them|their {o}} together, how many {o} {would|will|do} they have? => .
    {M} asked the {people}. {a} of them {wanted|chose|liked} {o} and {b} {of them |}{wanted|chose|liked} {p}. => How many {people} {answered|were asked|took part|is that}{all}?
    {N} was {getting} {o}{at}. {He} {got} {a} {yesterday|on {DAY}|in the morning} and {b} {today|this morning|on {DAY}|after lunch}. => How many {o} did {he} {get}{all}?
    {N} bought {x} {p}. {He} {got} {a} {r} {o} and {b} {q} {o}{at}. => How many {o} {did {he} {get}|does {he} have}{all}?
    {N} {got} {a} {o}{at}, but {he} {already had|had} {b}{ {o}|}. => How many {o} {does|did} {he} have{all|now}?
    If {N} {got} {a} {o}{at} and already had {b}, how many {o} {does|would|will} {he} have{all|now}? => .
    {N} has {a} {o}. {If {he}|{He}} {gets|got|buys} {b} more {o}, how many {o} will {he} have{all|then|now}? => .
    {N} had some {o} and {lost} {a}{ of them|}. {b} {o} are left. => How many {o} did {he} have {at first|before}?
    One {bag} had {a} {o} and {the other|another one} {had |}{b}. => How many {o} {did {N} have|are there|were there}{all}?
    {a} {people} {came|got there} {on time|early}{at}, and {b} {people|others} were late. => How many {people} {came|were there}{all}?
    If {a} {o} {were|are} {r} and {b} {were|are} {q}, how many {o} {were|are} there{all}? => .
    The {place} was able to {get} {a} {o} {at}, and {M} was able to {get} {b}. => How many {o} {is that|will they have|do they have}{all}?
    {In}{N} {got} {a} {o}{at}. {Then |Later |The next day |After that |}{he} {got} {b} {more|more {o}|others|more of them}{at}. => How many {o} {did {he} {get}|does {he} have|are there|is that}{all}?
    {In}{N} had {a} {o}{at}. {He|{N}} {got} {b} more{ {o}|}{at}. => How many {o} {does|did} {he|{N}} have{all|now}?
    {In}{N} had {a} {o}. {M} gave {him|{N}} {b} {more|more {o}|{o}|of {his} own}{at}. => How many {o} does {he|{N}} have{now|all}?
    {In}there {were|are} {a} {r} {o} and {b} {q} {o}{at}. => How many {o} {were|are} there{all}?
    {In}{N} {got} {a} {r} {o} and {b} {q} {ones|{o}}{at}. => How many {o} {did {he} {get}|does {he} have|is that}{all}?
    {In}{N} {has|had|got} {a} {o} and {M} {has|had|got} {b}{ {o}|}{at}. => How many {o} {do they have|do {N} and {M} have|did they {get}}{all}?
    {a} {o} {were|are} {ing}{at}. {b} {more {came}|more {o} {came}|others {came}}. => How many {o} {are|were} there{all|now}?
    There {were|are} {a} {o} {ing|}{at}. {Then |Later |}{b} {more |more {o} |}{came}. => How many {o} {are|were} {there|{ing}}{all|now}?
    There are {a} {o} in the {bag}{at}. {N} {puts|placed|put|adds} {b} {more |}{o} {in|into} {the {bag}|it}. => How many {o} are {there |}in the {bag}{now|all}?
    {In}{N} {got} {a} {o} and {b} {p}{at}. => How many {things|items|pieces|o and p} {did {he} {get}|does {he} have|are there|is that}{all}?
    If {N} {got} {a} {o}{at} and {M} {got} {b}{ {o}|}, how many {o} did they {get}{all}?
    {a} {o} and {b} {p} {are|were} {ing}{at}. => How many {animals|things|of them|o and p} are there{all}?
    {In}the {place} has {a} {r} {people} and {b} {q} {people}. => How many {people} {are there|are at the {place}}{all}?
    {N} {spent|paid} {a$} {on|for} {a {thing}|{o}} and {b$} {on|for} {a {tool}|{p}}{at}. => How much {money |}did {he|{N}} spend{all}?
    {In}{N} {walked|ran|drove|rode} {a} {unit} and then {b} {unit}{ more|}{at}. => How {far|many {unit}} did {he|{N}} {go|travel}{all}?
    {N} {gave|sold|lost} {a} {o} {to {M} |}{at} and {still |}has {b} {left|o left}. => How many {o} did {he|{N}} have {at first|before|in the beginning|to start with|at the start}?
    {N} {got} {a} {fewer|less} {o} than {M}. {N} {got} {b}{ {o}|}{at}. => How many {o} did {M} {get}?
    {N} {got} {b} {o}{at}. {M} {got} {a} more{ {o}|}{ than {N}| than {him}|}. => How many {o} did {M} {get}?
    The {thing} {weighs|is|costs} {a} {unit2} and the {tool} {weighs|is|costs} {b} {unit2} more{ than that|}. => How {much|many {unit2}} is the {tool}?
    {a} {people} were {on|at|in} the {place}. {At the next stop |Then |Later |}{b} more {people} {came}. => How many {people} {were|are} {on|at|in} the {place} {now|then|all}?
    {b} {people} {came|were {ing}} {to the {place}|}{at} and {a} {stayed at home|did not|were late|didn't come}. => How many {people} are there{all}?
    {N} {got} {a} {o} and {x} {p}{at}. {M} {got} {b} {o}. => How many {o} {did they {get}|do they have|were there}{all}?
    {N} {got} {a} {o} and {M} {got} {b}{ {o}|}{at}. {When they came home|Later|The next day} {x} {of them |}were {adj}. => How many {o} did they {get}{all}?
    There are {a} {o} and {x} {p} in the {bag}. {N} {puts|placed|put} {b} {more |}{o} {there|in the {bag}|into it}. => How many {o} are {there|in the {bag}}{all|now}?
    {N} has {a} {o} and has {got} {x} of them. {M} has {b} {o}. => How many {o} do they have{all}?
    Before {MONTH}, {people} {got} {a} {o}{at}. {In|During} {MONTH} they {got} {b} more, and none are left. => How many {o} did they {get}{all}?
    {a} {r} and {b} {q} {o} {came}{at}. => How many {o} {came|is that|made it}{all}?
    {N} {got} {a} {unit} of {r} {s} and {b} {unit} of {q} {s}{at}. => How many {unit} {of {s} |}{did {he} {get}|is that}{all}?
    {N} {got} {a} {unit2} of {s} and {b} {unit2} of {p}{at}. => How many {unit2} {did {he} {get}|is that}{all}?
    A {thing} {cost|costs|cost {N}} {a$} and a {tool} {cost|costs|cost {him}} {b$}. => {What {was|is} the total{ cost|}|How much is that}{all}?
    {N} {bought|got} a {thing} for {a$} and a {tool} for {b$}. {He} already had {x} {p}. => How much {money |}did {he} {spend|pay}{all}?
    {N}'s {thing} was worth {a$}. Its {value|price} {rose|went up|increased} by {b$}. => {How much is it worth|What is its price} now?
    {N} paid {a$} for {o}{at} and {b$} for {p}. {He} had a {x} dollar {tool}. => {What was the total|How much did {he} pay}{all}?
    It {rained|snowed} {a} {unit} {on {DAY}|in the morning} and {b} {unit} {on {DAY}|in the afternoon}. => How {much|many {unit}} {did it {rain|snow}|was that}{all}?
    {N} used {a} {cups|liters|pounds} of {s} and {b} {cups|liters|pounds} of {p} for {his} {thing}. => How many {cups|liters|pounds} {is that|did {he} use}{all}?
    {a} {people} {came}{at} on time. {Unfortunately, |But |}{b} {people |}were late. => How many {people} {came|were there}{all}?""",
    "sum3": """{N}, one of the {adj} {people}, {got} {a} {o}{at}, {b} {o}{at} and {c} {o}{at}. => How many {o} did {he} {get}{all}?
    {N} {got} {a} {o} and {M} {got} {b}. If they already had {c}{ {o}|}, how many {o} do they have{all|now}? => .
    {N} {got} {a} {o}. {M} {got} {b}{ {o}|} and {L} {got} {c}{ {o}|}. => How many {o} did they {get}{all}?
    {In}{N} {got} {a} {o} about {p}, {b} about {p3} and {c} about {things}. => How many {o} {did {he} {get}|are there|is that}{all}?
    The first {s} {weighs|is|costs} {a} {unit2}, the second {b} {unit2} and the {last|third} {c} {unit2}. => {What is their {total|combined} {weight|price}|How many {unit2} is that{all}}?
    {a} {people} are {ing}{at}. {b} {people} are {getting} {o}. {c} {people} are at the {thing}. => How many {people} are {at the {place}|there}{all}?
    {N} {counted|saw|got} a total of {a} {r} {o}, {b} {q} {o} and {c} {r3} {o}{at}. => How many {o} {was {he} able to {get}|did {he} {get}|is that}{all}?
    {In}{N} {got} {a} {o}, {M} {got} {b} and {L} {got} {c}{at}. => How many {o} did they {get}{all}?
    {In}{N} {got} {a} {r} {o}, {b} {q} {o} and {c} {r3} {o}{at}. => How many {o} {did {he} {get}|does {he} have|is that|are there}{all}?
    There {are|were} {a} {o}, {b} {p} and {c} {p3}{at}. => How many {of them|pieces} {are|were} there{all}?
    {In}{N} {got} {a} {o} on {DAY}, {b} on {DAY} and {c} on {DAY}. => How many {o} did {he} {get}{all}?
    {In}{N} {got} {a} {o}. Then {he} {got} {b} {more|more {o}}{at} and {M} gave {him} {c}{ more|}. => How many {o} does {he} have{all|now}?
    {N} {counted|saw} {a} {o} {ing}{at}, {b} {ing}{at} and {c}{at}. => How many {o} did {he} {count|see}{all}?
    A {thing} costs {a$}, a {tool} {b$} and {a {s}|lunch} {c$}. => How much do {they|all of them} cost{all}?
    {N} {got} {a} {o} this {week|month|year}, {got} {b} last {week|month|year} and {will|plans to|wants to} {get} {c} next {week|month|year}. => How many {o} will {he} {get}{all}?
    {N} {bought|got} a {thing} for {a$}, a {tool} for {b$} and {spent {c$} on|paid {c$} for} {a {s}|{p}}. => How much {money |}did {he} {spend|pay}{all}?
    {N} {spent|paid} {a$} {on|for} a {thing}, {b$} {on|for} a {tool} and {c$} {on|for} {p}. {He} {already had|found} {x} {p3}. => How much {money |}did {he} {spend|pay}{all}?
    {N} {got} {a} {o}, {M} {got} {b} {o}, and {L} {got} {c} {o}. {Later|When they came home}, {x} were {adj}. => How many {o} did they {get}{all}?
    {N} used {a} {cups|liters|pounds} of {s}, {b} of {p} and {c} of {p3}. => How many {cups|liters|pounds} {is that|did {he} use}{all}?""",
    "rest_of": """{In}{N} has {a} {o}, {b} more {o |}than {M}{ does| has|}. => How many {o} does {M} have?
    {In}{N} has {a} {o}. {He|{N}} has {b} more {o |}than {M}{ does| has|}. => How many {o} does {M} have?
    {N} {got} {a} {o}{at}. {He} gave {M} {b} of {them|the {o}|{his} {o}}. => How many {o} does {he} {now have|have now|still have}?
    {N} has {a} {o} and {x} {p}. {M} {took|borrowed|ate} {b} {o}. => How many {o} does {N} have{now|}?
    {N} had {x} {p} and {a} {o}. {He} {lost} {b} {o}. => How many {o} does {he} have{left|now}?
    {a} {o} were {getting} {p}{at}. {b} {were {r}|{gone}}. => How many {o} were not?
    {N} {got} {a} {o}{at}. {b} {were|came} from {the {place}|{M}} and the {rest|others} from {L}. => How many {o} {were|came} from {L}?
    {Before|At first} {N} had {b} {o}. {If {he} now has|Now {he} has} {a}{ {o}|}, how many {o} did {he} {get}{ from {M}|}? => .
    {N} has {b} {o}. How many more {o} does {he} {need|have} to {get} to have {a}{ {o}|}? => .
    {N} {has|had} {b$}. How many {more |}dollars {does|must} {he} {have to |}{earn|save|get} to have {a$}? => .
    {In}{N} had {a} {o}. {M} {took|removed|ate|borrowed} some of them. Now {there are|{he} has} {b} {left|o|}. => How many {o} did {M} {take|remove|eat|borrow}?
    {N} had {a} {o}. After {getting|losing|eating|selling} some {he} had {b} left. => How many {o} {did {he} {lose}|are gone|is that}?
    If {b} of the {a} {o} {gone|were {adj}}, how many {o} {are|were} {left}? => .
    {N} {had|has} {a} {o} to {get}{at}. {If {he}|{He}} {has already|already} {got} {b}, how many {o} {are left|does {he} still have to {get}}? => .
    {N} and {M} {got} {o}{at}. Together {they|these} {got|weighed|had} {a}{ {unit2}| {o}|}. {N}'s {o |}{were|weighed} {b}{ {unit2}|}. => How {much|many} {were|did} {M}'s{ weigh|}?
    A {thing} is {a} {unit} {tall|high|long}. It is {b} {unit} {taller|longer|more} than a {tool}. => How {tall|long} is the {tool}?
    {a} {o} were in the {bag}. Some {of the {o} |of them |}were {taken out|removed|sold}. Now there are {b}{ {o}|}. => How many {o} were {taken out|removed|sold}?
    {In}{N} {had|got} {a} {o}{at}. {He|{N}} {lost} {b}{ of them| {o}| of the {o}|}{at}. => How many {o} {does {he} have {left}|are {left}|did {he} have {left}|remain}?
    There {were|are} {a} {o} {ing|}{at}. {Then |Later |}{b} {of them |of the {o} |{o} |}{gone}. => How many {o} {are|were} {left}?
    {a} {o} {were|are} {ing}{at}. {Then |Later |After a while |}{b} {of them |of the {o} |{o} |}{gone}. => How many {o} {are|were} {left|still there|still {ing}}?
    There {were|are} {a} {o} in the {bag}{at}. {N} {takes|took|takes out|removed|ate} {b}{ of them| {o}|}. => How many {o} are {left|left in the {bag}|in the {bag} now}?
    {In}{N} {had|has} {a} {o}. {M} {takes|took} {b} {away|of them|{o}}. => How many {o} {does|will} {N} have{now| left}?
    {In}there {were|are} {a} {people}{at}. {b} of them {were|are} {r|{ing}|girls|boys|late|absent|sick}. => How many {people} {were not|were {q}|are not|are {left}}?
    {In}{N} {got} {a} {o}, but {b} {of them |}{were {adj}|{gone}|did not work|didn't fit}. => How many {o} {were|are} {left|good|fine|not {adj}}?
    {In}{N} {needs|wants|has to {get}|must {get}|hopes for} {a} {o}{at}. {He} {has|already has|has already {got}|{got}} {b}{ of them| {o}|}{at}. => How many more {o} {does {he} need|must {he} {get}|should {he} {get}|are needed}?
    {In}{N} {has|had} {b} {o}. {He} {wants|needs} {a}{ in all|}. => How many more {o} does {he} {need|have to {get}}?
    {In}{N} had {b} {o}. {He} {got} some more{at} and now has {a}{ {o}|}. => How many {o} did {he|{N}} {get}?
    There {were|are} {b} {o} {ing|}{at}. {Some more|Some} {o} {came}. Now there are {a}{ {o}|}. => How many {o} {came}?
    {In}{N} had {a} {o}. {He} {lost} some{at}. {Now |}{he} has {b} {left|o left|}. => How many {o} did {he|{N}} {lose}?
    {In}{N} had {a} {o} and gave some {of them |}to {M}. {Now |}{he} has {b} {left|o left|}. => How many {o} did {he|{N}} give {to {M}|away}?
    {N} and {M} {have|got} {a} {o}{all}. {N} {has|got} {b}{ of them| {o}|}. => How many {o} {does {M} have|did {M} {get}}?
    There are {a} {o}{at}. {b} are {r}{ and the {others|rest} are {q}|}. => How many {o} are {q|not {r}}?
    {In}{N} {had|has} {a$}. {He} {spent|paid} {b$} {on|for} {a {thing}|{o}}{at}. => How much {money |}{is left|does {he} have {left}}?
    {In}{N} has {b$}. A {thing} costs {a$}. => How {much|many dollars} {more |more money |}does {he|{N}} {need|have to save}{ to buy it|}?
    {In}{a} {people} were {invited|asked|expected}{at}{, but|. Only|. But only} {b} {came|showed up}. => How many {people} {did not come|didn't come|were missing|did not show up}?
    {In}{N} {sent out|invited|baked|made} {a} {o}, and {b} {were {adj}|came back|{gone}}. => How many {did not|were not|are left}?
    The {s} is {a} {unit}{at}. {N} has {gone|walked|done|read|finished} {b}{ {unit}|}. => How {far|many {unit}} {is left|does {he} have to go|are left}?
    A {place} {holds|has room for|has} {a} {people|seats}. {b} {people} are {in it|there|{ing}}. => How many {seats are empty|more {people} can come|places are left}?
    {N} {got} {a} {o} and {x} {p}{at}. {He} {lost} {b} {o}. => How many {o} does {he} have{now|left}?
    {N} {got} {a} {o} and {x} {p} for {lunch|dinner|the party}. {Only |}{b} {o} were {eaten|sold|used|needed}. => How many {o} {were|are} {left|over}?
    {N} had {a} {o} and {x} {of them |}were {adj}. {He} gave {b} to {his} {people}. => How many {o} does {he} have{now|left}?
    {N} {sold|used|got} a {total|combined total} of {a} {o} {last month|this year|today|this season}. {If {he}|{He}} {sold|used|got} {b} in the {first half|morning}, how many {o |}did {he} {sell|use|get} {in the {second half|afternoon}|after that}? => .
    {N} {has|scored|got} {b} {points|o}. {He} and {M} {together |}{have|scored|got} {a}{all}. => How many {points|o} {does|did} {M} {have|score|get}?
    {N}'s {thing} was worth {a$}{ before|}. Its {value|price} {fell|went down|decreased|dropped} by {b$}. => {How much is it worth|What is its price} now?
    {N} buys a {thing} for {b$} and sells it for {a$}. => {What is {his} profit|How much does {he} {earn|make|gain}}?
    A {thing} costs the {place} {b$}, and it {sells it|is sold} for {a$}. => {What is the profit|How much {money |}is {earned|made}}?
    {N}'s {team|school|class} {played|had} {a} games{at}. {He} {went to|saw|was at} {b}{ of them| games|}. => How many {games |}did {he} miss?
    {a} {o} {have been|were} {got}{at}. {b} {of them |}were {r}, the {rest|others} {were |}{q}. => How many {q} {o} {were there|is that}?
    {N} paid with {a$}. The {thing} cost {b$}. => How much change {did|does} {he} get{ back|}?
    A {thing} costs {b$}. {N} {pays|paid} with a {a} dollar {bill|note}. => How much {change|money} does {he} get back?
    The {thing} was {a} {unit} long. {N} cut off {b} {unit}. => How {long|many {unit}} is {it now|the rest}?
    The {bag} can hold {a} {o}. {There are already {b} in it|It has {b} in it now}. => How many more {fit|can be put in|can {N} put in}?""",
    "difference": """{In}{N} {has|had|got} {a} {o} and {M} {has|had|got} {b}{ {o}|}{at}. => How many more {o} {did {N} {get}|does {N} have}{ than {M}|}?
    {In}{N} {got} {b} {o}{at}. {M} {got} {a}{ {o}|}{at}. => How many {more|fewer} {o} did {{M}|{N}} {get}{ than {{N}|{M}}|}?
    There {were|are} {a} {o} and {b} {p}{at}. => How many more {o} than {p} {are|were} there?
    There {were|are} {b} {o} and {a} {p}{at}. => How many {fewer|less} {o} than {p} {are|were} there?
    There are {a} {r} {o} and {b} {q} {ones|{o}}{at}. => {How many more {r} {o} are there{ than {q} ones|}|What is the difference}?
    {In}{N} {got} {a} {o} on {DAY} and {b} on {DAY}. => {What is the difference|How many more {o} did {he} {get} on the first day}?
    The {thing} {costs|weighs|is|measures} {a} {unit2} and the {tool} {b}{ {unit2}|}. => {How much more {is|does} the {thing}{ cost|}|What is the difference}?
    {N} is {a} {unit} tall and {M} is {b}{ {unit}|}. => How much taller is {N}{ than {M}|}?
    {N} {got} {a} {o}{at} but {M} {only |}{got} {b}. => {By how many {o} did {N} win|How many {fewer|less} did {M} {get}|What's the difference}?
    {In}a {thing} had {a} {o} and a {tool} {b}. => What is the difference between {the two|them|the number of {o}}?
    {N} {walked|ran|drove|jumped|threw} {a} {unit} and {M} {b}{ {unit}|}{at}. => How much {farther|further|more} did {N} {go|get}?
    {N} {got} {a} {o} and {x} {p}. {M} {got} {b} {o}. => How many more {o} did {N} {get}{ than {M}|}?
    {N} {ran|walked|got} {a} {unit} and {then |}{walked|rested for|swam} {b}{ {unit}|}. => How much {farther|further|more} {is|was} the first?
    A {thing} {costs|weighs} {a$} in {one|the first} {place} and {b$} in {another|the second}. => {What is the difference|How much {cheaper|less} is it there}?""",
    "product": """{r} {o} {can be bought|are sold|come} in {bags} of {b}. If {N} {buys|gets|has} {a} {bags}, how many {o} {will {he} have|is that|does {he} have}? => .
    {N} can {get} {b} {o} {a|each|every|per} {time}. => How many {o} can {he} {get} in {a} {time}s?
    {N} {got} {b} {o} {a|each|every} {time}. => How many {o} {did {he} {get}|is that} in {a} {time}s?
    Each {bag} {can hold|holds|has} {b} {o} and there are {a} {bags}{at}. => How many {o} {can they hold|are there|is that}{all}?
    If {each|one} {bag} {has|holds|can hold} {b} {o}, how many {o} {are|can be} in {a} {bags}? => .
    If {N} {got} {a} {bags} with {b} {o} {each|in each|in every one}, how many {o} {is that|does {he} have|are there}{all}? => .
    {N} was {getting} {o} {in|with} {bags}. Each {bag} {held|has|had} {b} {o}. {If {he}|{He}} had {a} {bags}, how many {o} {could|did|does} {he} {get|have}{all}? => .
    {N} {used|uses|needs} {b} {o} {per|for each|for one|for every} {thing}. {He} {makes|made|has} {a} {things}. => How many {o} {did|does} {he} {use|need}?
    The {place} {has a total of|has|has got} {a} {bags} of {o} and {each|every} {bag} has {room for|a capacity of} {b}{ {o}|}. => How many {o} {can|could} {fit|be there|go there}{all}?
    {N} charges {b$} {for a|per} {s}. {If {M}|{M}} has {a} {o}. How much {money |}{would|must} {he|{M}} {pay|spend}? => .
    {In}{N} {got|has|had} {a} {bags} {of|with} {o}{at}. {Each|Every|Each of the {bags}|One} {bag|} {has|holds|had|contains|contained} {b}{ {o}|}{ in it| inside|}. => How many {o} {does {he} have|are there|did {he} {get}|is that}{all}?
    There are {a} {bags}{at} {and|with} {b} {o} {in|on|for|per} each{ {bag}| one|}. => How many {o} are there{all}?
    {Each|Every|A|One} {bag} {holds|has|can hold|has room for|needs|carries|contains} {b} {o}. => How many {o} {are|can be|fit|are there} {in|on} {a} {bags}?
    {Each|Every|A} {bag} {can hold|holds|has} {b} {o}{at}. {There are|{N} has|{N} {got}} {a} {bags}. => How many {o} {can they hold|fit in|are there|does {he} have}{all}?
    {In}{N} {has|had|got} {a} {bags}{at}, each with {b} {o}. => How many {o} {does {he} have|are there|did {he} {get}}{all}?
    {In}{N} wants to give {b} {o} to each of {his} {a} {people}. => How many {o} does {he} need{all}?
    There are {a} {people}{at}. {Each|Every one|Each of them} {gets|got|needs|has|brought|will get|wants} {b} {o}. => How many {o} {is that|are needed|do they need|does {N} need|do they have}{all}?
    {In}{N} {got} {b} {o} {every|each|a|per} {time} for {a} {time}s. => How many {o} did {he} {get}{all}?
    {N} can {get} {b} {o} {in|per} {an hour|one hour|a day|a week|a minute}. => How many {o} can {he} {get} in {a} {hours|days|weeks|minutes}?
    {It takes|{N} needs} {b} {minutes|hours|days} to {get} {one|a} {s}. => How {long|many {minutes|hours|days}} {does it take|does {he} need|will it take} {for|to {get}} {a} {o}?
    {Each|A|One} {s} {costs|cost|weighs|needs} {b} {unit2}. => How {much|many {unit2}} {do|are} {a} {o}{ cost| weigh|}?
    {In}{N} {got} {a} {o} for {b$} each. => How much {did {he} pay|did {he} spend|money is that|did they cost}{all}?
    {In}{N} {sells|sold} {a} {o} for {b$} {each|apiece}{at}. => How much {money |}did {he} {make|get|earn}{all}?
    {N}'s {thing} {goes|can go|gets|drives} {b} miles {per|on a|on one} gallon. => How {far|many miles} can {it|{he}} go on {a} gallons?
    {a} {people} {each |}{got} {b} {o}{ each|}{at}. => How many {o} {did they {get}|is that|were there}{all}?
    The {people} {sit|stand|are} in {a} rows{at} with {b} {people|} in each{ row|}. => How many {people} are there{all}?
    A {thing} {has|needs} {b} {o}. => How many {o} {do|are on} {a} {things}{ have| need|}?
    There are {a} {people} {getting} {b} {o} each{at}. => How many {o} {will they {get}|is that}{all}?
    {N} was {at|in} the {place} for {a} {time}s and {got} {b} {o} {every|each|a} {time}. => How many {o} did {he} {get}{ there|all}?
    {N} had {a} {o}, which {he} sold {to {M} |}for {b$} each. => How much money did {he} {get|make}{all}?
    {N} {charges|takes|asks} {b$} {an|per} hour. {M} needs {him} for {a} hours. => How much {money |}{will|must|does} {M} {pay|owe {him}}?
    {N} {works|worked} {a} hours for {b$} an hour. => How much {money |}{does|did} {he} {earn|make|get}?
    {N} {fills|gets|makes} {b} {bags} {of {o} |}{per|a|every} {time}. => How many {bags} {would|will} {be filled|that be|{he} have} in {a} {time}s?
    {o} come in {bags} of {b}. {If {N}|{N}} {buys|has|gets} {a} {bags}, how many {o} will {he} have? => .
    There are {a} {people} {in|at} the {place}, and each {one |}will get {b} {o}. => How many {o} will {N} have to {give|hand} out?
    How {much|many dollars} do {a} {o} cost at {b$} each? => .
    What do {a} {o} cost if {one|each|a {s}} costs {b$}? => .""",
    "equal_parts": """{N} has {a} {o} and {x} {p}. If {he} {shares|divides|splits} the {o} among {k} {people}, how many {o} does each {one |}get? => .
    {N} {saves|earns|gets} {k$} {every|each|a} {time}. => How many {time}s {does {he} need|will it take} {to save|to get|for} {a$}?
    {N} {saves|collects|needs} {k} {o} {every|each|a} {time}. => {How many {time}s {does {he} need|will it take}|How long does it take} {to have|to get|for} {a} {o}?
    {a} {people} {form|make|are in} {teams|groups|lines} of {k}. => How many {teams|groups|lines} {are there|is that|do they make}?
    If {each|one} {bag} {can hold|holds|has} {k} {o}, how many {bags} {are needed|does {N} need|do they need} for {a}{ {o}|}? => .
    If {N} has {a} {o} and there are {k} {bags}, how many {o} {will be|are|go} in each{ {bag}|}? => .
    {N} {collected|counted|got} {a} {o} which {he} will {place|put|pack} in {bags}. {Every|Each} {bag} can {contain|hold} {k}{ {o}|}. => How many {bags} will {he} need?
    {a} {people} {are|go} {to|on} the {place}. They sit {k} {people |}in {every|each} {bag|seat}. => How many {bags|seats} {do they need|will they need|are needed}?
    A {thing} made {a} {o}. It can make {k} {o} {a|every|per} minute. => How many minutes {was it working|did it take|did it work}?
    {N} can {put|place|get|bake} {k} {o} on a {bag} at a time. => How many {bags} {does|will} {he} need for {a} {o}?
    {In}{N} {has|had|got} {a} {o}{at}. {He} {puts|put|sorts|sorted|packs|placed|divided} them {equally |evenly |}{into|in} {k} {bags}. => How many {o} {are|were|go} in each{ {bag}| one|}?
    {In}{N} {has|had|got} {a} {o}{at} {and|to be} {shared|divided|split} {equally |evenly |}{among|between} {k} {people}. => How many {o} {does each {person|one}|will each|did each of them} get?
    {In}{N} {has|had|got} {a} {o}{at}. {He} {puts|put|packs|placed} {k} {o |}{in|into} each {bag}. => How many {bags} {does {he} need|are there|will {he} {need|have}|did {he} {use|fill}}?
    {Each|Every|A|One} {bag} {holds|has|can hold|has room for} {k} {o}. => How many {bags} {are needed|does {N} need} for {a} {o}?
    {a} {people} {are|were} {going|driving|coming} to the {place}. {Each|A} {bag} {holds|can hold|seats|takes} {k}{ {people}|}. => How many {bags} {are needed|do they need|will they need}?
    There are {a} {o} in {k} {bags}{at}, {the same number in each|equally many in each|all equal}. => How many {o} are in {each|one}{ {bag}|}?
    {In}{k} {people} {got|shared|had} {a} {o}{ equally| evenly|}{at}. => How many {o} {did|does} each {one |of them |person |}get?
    {In}{N} {got} {a} {o} in {k} {time}s, {the same number|as many} {every|each} {time}. => How many {o} did {he} {get} {a|each|every|per} {time}?
    {In}{N} {has|needs|wants} {a} {o}. {He} {gets|makes|reads|uses|eats} {k} {o |}{a|each|every|per} {time}. => {How many {time}s|How long} {does {he} need|will it take|will they last}?
    {k} {o} cost {a$}{at}. => How much {does|is} {one|each|one {s}|a {s}}{ cost|}?
    A {s} costs {k$}. {N} has {a$}. => How many {o} can {he} {buy|get|afford}?
    {In}{N} {cut|cuts} a {thing} of {a} {unit} into {k} {equal |}{pieces|parts}. => How long is {each|one}{ piece| part|}?
    If {a} {o} are {put|divided|split|sorted|organized} into {k} {equal |}{bags|groups|teams|piles}, how many {o} are in {each|every one|one of them}?
    There {are|were} {a} {o} to be {divided|split|put} into {bags|groups|teams|piles} of {k}. => How many {bags|groups|teams|piles} {are|will} there{ be|}?
    {o} come in {bags} of {k}. {N} {got} {a} {o}. => How many {whole |full |}{bags} {is that|did {he} {get}|does {he} have}?
    {N} {got} {a} {o} and {is about to|wants to|will} {put|place} them in {small |}{bags} {which|that} can {hold|contain} {k} {o |}{at a time|each}. => How many {bags} will {he} need?
    {N} sold {a} {o} in {k} days. => How many {o} {did {he} sell|were sold} {each|a|per} day{ on average|}?
    {N} has {a} {o}. {M} has {k}{ {o}|}. => How many times as many {o} does {N} have?
    There are {a} {o}, {k} {o} {for|on|in} {every|each} {s}. => How many {people|bags} is that?
    {N} has {a} {o} and {x} {p}. {He} {puts|put|shares} the {o} {into|among} {k} {bags|people}. => How many {o} {go to each|are in each|does each get}?
    {k} {people} {decided to|want to} {split|share} {a} {o} equally. => How many does each {one |person |}get?""",
    "minus_twice": """{a} {o|seats} are {in|at} the {place}. {b} {people} and {c} {people|others} {came|took one each|are {ing}}. => How many {o|seats} {are|were} {left|empty|free}?
    {N} {got} {a} {o}. {He} {sold|gave away} {b}{at}. {He} gave {c} to {his} {people|friends}. => How many {o} did {he} have {then|left}?
    {In}{N} {had|got} {a} {o}{at}. {He} {lost} {b}{ of them| {o}|}{at} and {lost} {c}{ of them| {o}| more|}{at}. => How many {o} {does {he} have {left}|are {left}|remain}?
    There {were|are} {a} {people}{at}. {b} are {r} and {c} are {q}. => How many {people} are neither{ {r} nor {q}|}?
    A {place} has {a} {seats|places|rooms}. {b} {people} and {c} {people} came. => How many {seats|places|rooms} {are|were} {empty|left|free}?
    {In}{N} had {a$}. {He} spent {b$} on {a {thing}|{o}} and {c$} on {a {tool}|{p}}{at}. => How much {money |}{does {he} have left|is left}?
    It is {a} {unit} to the {place}. {N} {drove|walked|rode} {b} {unit}, {stopped|rested|had lunch} and {drove|walked|rode} {c} {unit}{ more|}. => How {far|many {unit}} {is it still|are left|does {he} still have to go}?
    {N} {got} {a} {o}. {b} {gone} and {M} {took|ate} {c}. => How many {o} {are|were} {left}?
    Three {people} {got} {a} {o}{all}. The first {got} {b} and the second {c}. => How many {o} did the {third|last} {one |}{get}?
    {N} {got} {a} {o}. {He} {lost} {b} {and gave|and then gave|, and gave} {c} to {M}. => How many {o} does {he} have{now|left}?
    {N} pays for a {thing} of {b$} and a {tool} of {c$} with {a$}. => How much {change|money} does {he} get back?
    {a} {people} were {in|on|at} the {place}. {b} {gone}, then {c} more {left|{gone}}. => How many {people |}{are|were} {left|still there}?""",
    "plus_minus": """{N} had {a$}. {For {his} birthday|From {M}|For {his} work|Then} {he} got {b} {more dollars|dollars more} but spent {c$} on {a {thing}|{o}}. => How much {money |}does {he} have{now| left}?
    {In}{N} {got} {a} {o} and {M} {got} {b}{at}. {They|Together they} {lost} {c}{ of them|}. => How many {o} do they have {left}?
    {N} {got} {a} {o} at the {place} and {b} at the {place}. {Later|Then} {he} {lost} {c} of {them|the {o}}. => How many {o} {did|does} {he} {still |}have?
    {In}{N} had {a} {o}. {M} gave {him} {b} {more|more {o}|of {his} own}, but {he} {lost} {c}{ of them|}. => How many {o} {does {he} have|are left}{now|}?
    {In}{N} {got} {a} {o}{at} and {b}{ more| {o}|}{at}. {Then |Later |}{he} {lost} {c}{ of them| {o}|}{at}. => How many {o} {does {he} have {left}|are {left}|did {he} {still |}have}?
    {In}{N} had {a} {o} and {got} {b} {more|new ones}{at}. {If {he}|Then {he}} {lost} {c}{ of them|}, how many {o} {does|did} {he} have{now| left}?
    {In}there were {a} {people}{at}. {b} {more |}{came} and {c} {gone}. => How many {people} {are|were} there{now| then}?
    There are {a} {r} and {b} {q} {o}{at}. {c} of them {gone|are {adj}}. => How many {o} {are left|are not|remain}?
    {N} {got} {a} {o} and {M} {got} {b}{at}. {c} of {them|the {o}} were {adj}. => How many {o} were {not|good|not {adj}}?
    {N} had {a$} and {earned|got|found|was given} {b$}{at}. {He} spent {c$} on {a {thing}|{o}}. => How much {money |}does {he} have{now| left}?
    {N} {got} two {things}. One had {a} {o} and the other {had |}{b}. {After one week|So far} {he} {has|had} {already |}{got} {c} of {them|the {o}}. => How many {o} does {he} still have to {get}?
    For the {place} {sale|party} {N} {got} {a} {o} and {b} {p}. {After it|In the end|At the end} {he} had {c} {left|to take {back |}home}. => How many {pieces|of them|things} did {he} {sell|use|lose}?
    The {place} {ordered|got} {a} {r} and {b} {q} {o} for the {people}. {If only|Only} {c} {people |}wanted {one|a {s}}, how many {extra {o}|{o}} {did they end up with|were {left|too many}}? => .
    {N} {got} {a} {o} {on {DAY}|yesterday} and {b} {on {DAY}|today}. {He} needs {c} of them for {a {thing}|{M}}. => How many {can {he} keep|are left over|are left}?""",
    "minus_plus": """{In}{N} had {a} {o}. {He} {lost} {b}{ of them| {o}|}. {If {he}|Then {he}} {got} {c} {more|others|new ones}{at}, how many {o} {would|will|does} {he} have{all|now}? => .
    {N} had {a$}{at}. {He} spent {b$} on {a {thing}|{o}}. {M} gave {him} {c$}{ more|}. => How much {money |}does {he} have{now|}?
    The {place} had {a} {o} in a {bag}. They threw away {b} of the old ones and put {c} new ones in. => How many {o} {are|would be} in the {bag}?
    In a game {N} had {a} {lives|points}. {He} lost {b} {of them |}and {then |}got {c} {more|back}. => How many {lives|points} does {he} have{now|}?
    {In}{N} had {a} {o}. {He} {lost} {b}{ of them| {o}|}{at} {and|but} {then |later |}{got} {c}{ more| new ones| {o}|}{at}. => How many {o} {does {he} have|are there|did {he} have}{now| then| in the end}?
    {In}there were {a} {people}{at}. {b} {of them |}{gone} and {c} {new {people} |others |more |}{came}. => How many {people} {are|were} there{now| then| in the end}?
    {N} had {a$}. {He} spent {b$} on {a {thing}|{o}} and {then |}{earned|got|found} {c$}{at}. => How much {money |}does {he} have{now|}?
    If {N} {deleted|lost|sold|ate|used} {b} of {his} {a} {o} and then {got} {c}{ more| new ones|}, how many {o} {does|would|will} {he} have?
    {In|At} the {place} there were {a} {people} at the start of the {year|day|week}. {During the {year|day|week} |Then }{b} {people |}{left|{gone}} and {c} new {people|ones} {came}. => How many {people} were there at the end?
    {N} {has|had} {a} {o}. {He} gives {b} to {M} and gets {c} from {L}. => How many {o} does {he} have{now|all}?""",
    "bracket": """{N} has {a} {r} and {b} {q} {o}. {He} {sells|sold} {each|every one|all of them} for {c$}{ each|}. => How much {money |}{does|did} {he} {get|make|take}?
    {N} {rode|got} the {thing} {a} times and the {tool} {b} times. {Each|Every} {ride|time|one} {costs|cost} {c} {points|dollars|tickets}. => How many {points|dollars|tickets} {did {he} use|is that}{all}?
    {In}{N} {got} {a} {bags} of {o} and {b} {bags} of {p}{at}. {Each|Every} {bag} {had|has|came with|holds} {c} {p3}{ in it| on it|}. => How many {p3} {did {he} {get}|does {he} have|are there|were there}{all}?
    In a game {N} {gets|scores|earns} {c} points for {each|every} {s}. {He} {got} {a} {o} {first|on the first level|in the morning} and {b} {later|on the second level|in the evening}. => {What is {his} score|How many points {is that|did {he} get|does {he} have}}?
    {Each|A|One} {s} {is|was|costs|cost} {c$}. {N} {got} {a} {r} {ones|{o}} and {b} {q} {ones|{o}}. => How much {money |}did {he} {spend|pay}{all}?
    There are {c} {bags}{at}, with {a} {o} and {b} {p} {in|at|on} {each|each {bag}|every one}. => How many {things|of them|pieces} are there{all}?
    {N} was {getting} {o} {with|in {bags} with} {c} {in|on} each {bag|page|row}. {He} had {a} {bags} of {r} {o} and {b} {bags} of {q} {o}. => How many {o} did {he} have{all}?
    {N} had {c} {people} {ing}. {Each|Every one} had {a} {o} and {b} {p}. => How many {things|pieces} did they have{all}?
    {In}{N} {got} {a} {o} and {b} {p}{at}. {Each|Every|Each one|Every one} {costs|cost|needs|weighs|has|takes} {c} {unit2|q}. => How {much|many} is that{all}?
    {In}{N} {has|had|got} {a} {bags} of {r} {o} and {b} {bags} of {q} {o}{at}. {Each|Every} {bag} {has|had|holds} {c}{ {o}|}{ in it|}. => How many {o} {does {he} have|are there}{all}?
    If {N} {got} {a} {o} {in the morning|on {DAY}|first} and {b} {in the evening|on {DAY}|later}, and each {is worth|gives|costs} {c} {points|dollars}, how many {points|dollars} is that{all}?
    {N} {earns|makes|gets|is paid} {c$} {an hour|per hour|a day}. {He} worked {a} hours on {DAY} and {b} on {DAY}. => How much {money |}did {he} {earn|make|get}{all}?
    There are {a} {r} {people} and {b} {q} {people}. {Each|Every one} {got} {c} {o}. => How many {o} is that{all}?
    {N} {bought|got} {a} {r} {bags} and {b} {q} {bags}. {Each|Every} {bag} {came with a {thing}|was {adj}} and {had|has} {c} {o}. => How many {o} did {he} {get|buy}{all}?
    {At|In} the {place} {each|every} {s} {is|was|costs} {c$}. {If {N}|{N}} {buys|bought|got} {a} {r} ones and {b} {q} ones, how much did {he} {spend|pay}{all}? => .
    {N} {plays|was playing} a game where {he} {scores|gets|scored} {c} points for {each|every} {s}{ {he} finds|}. If {he} {finds|found|got} {a} {o} on the first level and {b} on the second, {what would {his} score be|what is {his} score|how many points is that}? => .
    {N} was working {as a {job}|at the {place}} where {he} {made|earned|got} {c$} an hour. On {DAY} {he} worked {a} hours and on {DAY} {he} worked {b}{ hours|}. => How much money did {he} make {in those two days|on both days|in all}?
    {N} had {a} pages of {r} homework and {b} pages of {q} homework. If {each|every} page {had|has} {c} {problems|o}{ on it|}, how many {problems|o} {did|does} {he} have{all}? => .
    A {place} has {c} {bags}. {If each|Each} {bag} has {a} {o} and {b} {p}{ in it|}, how many {of them |pieces |animals |}{does it have|are there|is that}{all}? => .
    {N} had {c} tables, with {a} {r} {people} and {b} {q} {people} at each table. => How many {people|guests} {is that|did {he} have|were there}{all}?
    {N} was selling {o}{at}. {He} sold {a} {r} ones and {b} {q} ones. If each {s} cost {c$}, how much money did {he} {earn|make}? => .
    {N} bought {a} {o} about {p} and {b} about {p3}. Each {s} cost {c$}. => How much did {he} spend{ on the {o}|all}?""",
    "rest_times": """{Each|A|One} {s} {costs|cost|is} {c$}. {N} had {a} {o} and {still has {b}|{b} {are|were} left}{ at the end|}. => How much {money |}did {he} {make|earn|get}?
    {In}{N} {sells|sold} {o} for {c$} each. {He} {started with|had} {a} and {kept|still has|has} {b}{ of them| left|}. => How much {money |}did {he} {make|earn|get}?
    {In}a {bag} had {a} {o}. {N} sold all but {b} of them for {c$} each. => How much {money |}{did|would} {he} {make|get|earn}?
    {In}{N} {had|needs|has} to {get} {a} {o}. {He} has already {got} {b} of them. {It takes|{He} needs} {c} {minutes|hours|days} {for each|to {get} each one|to {get} one}. => How long will {the rest take|it take {him} to {get} the rest}?
    {N} {earns|earned|gets} {c$} for {each|every} {s} {he} {got}. {He} had {a} {o} to {get}, but {forgot|missed|left out} {b}{ of them|}. => How much {money |}did {he} {earn|get|make}?
    A {bag} {holds|has|had} {c} {o}{ each|}. {N} had {a} {bags} and {lost} {b}{ of them|}. => How many {o} {does|did} {he} {still |}have{ left|}?
    There {were|are} {a} {people} {at|in|on} the {place}, but {b} of them {didn't come|did not show up|{gone}|had to rest}. Each {of the others|who came} {got} {c} {o|points}. => How many {o|points} did they {get}{all}?
    {In}{N} {had|has|got} {a} {o}, but {b} {of them |}{were {adj}|did not work|were broken|{gone}}. {He} {sold|sells} {the others|the rest} for {c$} each. => How much {money |}{did|does} {he} {get|make|earn}?
    {In}{N} {has to|must|wants to} {get} {a} {o} and has {already |}{got} {b}. {Each|One|Every one} takes {c} {minutes|hours}. => How long {does|will} the rest take?
    There {were|are} {a} {people}{at} and {b} {gone}. {Each|Each of the others|Everyone else} {got} {c} {o}. => How many {o} is that{all}?
    {In}{N} {got} {a} {bags} {of|with} {o} and gave {b} {of them |{bags} |}to {M}. {Each|Every} {bag} has {c} {o}. => How many {o} does {he} have {left|now|still}?
    A {place} has {a} {people} and {b} {did not come|are absent|gave nothing|left}. {The others|The rest} {gave|paid|got} {c$} each. => How much {money |}is that?
    {N} had {a} {o}, but {b} of them {weren't working|were broken|did not work|were {adj}}. If {he} {wanted to sell|sold|sells} the {good|working|other} {ones|o} for {c$} each, how much {money |}{could|would|did} {he} {make|get|earn}? => .
    Each {s} in a {bag} {cost|costs} {c$}. If a {bag} had {a} {o} {in all |}and {N} sold all but {b} {of them|o}, how much money {would|did} {he} {make|get}? => .
    A {team|class|group} had {a} {people}{all}, but {b} {of them |people |}{didn't|did not} show up. If {each|every one} {that did show up|of the others|who came} {scored|got|brought} {c} {points|o}, how many {points|o} {is that|were there}{all}? => .
    A {page|worksheet|thing} had {c} {problems|o} on it. If {N} had {a} {pages|worksheets|things} to {grade|do|check} and had already {graded|done|checked} {b} of them, how many more {problems|o} does {he} have to {grade|do|check}? => .
    {N} was selling {o} for {c$} each. If {he} started with {a} {o |}and by the end of the day {he} had {b} left, how much money did {he} {earn|make}? => .
    {N} {gets|earned|earns} {c$} for {each|every} {s} {he} {washes|mows|sells|paints}. If {he} had {a} {o} to {wash|mow|sell|paint} but forgot {b} of them, how much money did {he} {earn|make}? => .""",
    "sum_shared": """{N} had {a} {o} when {another |}{b} {more |}{came|were brought}. If {k} {o |of them |}{are taken|leave|are sold} {a|each|every} {time}, how {long will they last|many {time}s does it take}? => .
    {In}{N} {got} {a} {o} from {M} and {b} from {L}. {He} {sorted|put} them {equally |}into {k} {bags}. => How many {o} {were|are} in each{ {bag}| one|}?
    {N} had {a} {r} {o} and {b} {q} {o} to {put|place|pack} {in|on} {bags}{ with|,} {k} {in|on} each{ one| {bag}|}. => How many {bags} {would|does|did} {he} {need|use|fill}?
    {N} can only carry {k} {o} at a time. {He} has to {carry|take} {a} {o} from one {thing} and {b} from {another|the other}. => How many trips {will|does} {he} {make|need}?
    {In}{N} had {a} {r} and {b} {q} {o}. {He} can {get|finish|do} {k} {o |of them |}{in an hour|an hour|a day|a minute}. => How long will {it take|all of them take|{he} need}?
    For every {k} {o} {N} {gets|got} one point. {N} {got} {a} {o} and {M} {got} {b}. => How many points did they get?
    {N} {made|earned|got} {a$} {for|by} {getting} {o} and {b$} {for|by} {getting} {p}. {He} spends {k$} {a|every|each} {time}. => How {long|many {time}s} will {the money|it} last?
    {In}{N} {got} {a} {o} and {b} {p|more}{at}. {He} {puts|put|packs|sorted} them {equally |}{into|in} {k} {bags}. => How many are in each{ {bag}|}?
    {In}{N} {got} {a} {o} and {M} {got} {b}. They {share|divide|split} them {equally |}among {k} {people}. => How many {o} does each {one |person |}get?
    There are {a} {r} and {b} {q} {people}{at}. {Each|One|A} {bag} {holds|seats|takes} {k}{ of them|}. => How many {bags} {are needed|do they need}?
    If {N} has {a} {r} {o} and {b} {q} {o} and puts {k} {in|on|into} each {bag}, how many {bags} {does {he} need|will {he} use|are there}?
    {N} {got} {a} {o} on {DAY} and {b} on {DAY}. {He} {uses|eats|needs} {k} {each|every|a} {time}. => How many {time}s {will they|do they} last?
    {The|A} {place} had {a} {o} when another {b} were brought in. If {k} {o |}a {time} are {sold|taken|adopted|used}, how long {would|will|does} it take {for|until} all of them {to be gone|are gone|to be sold}? => .
    {N} had {saved |saved up |}{a$}. If {he} {received|got|earned} another {b$} {for {his} work|from {M}|}, how many {k} dollar {o} could {he} buy? => .
    {N}'s {people} are going {on a trip |}to the {place}. If each {van|bus|car|bag} can hold {k} people and there are {a} {r} {people} and {b} {q} {people} going, how many {vans|buses|cars|bags} will they need? => .
    {N}'s {thing} could only {wash|hold|carry|take} {k} {o} at a time. If {he} had {to {wash|carry} |}{a} {r} {ones|o} and {b} {q} {ones|o}, how many {loads|times|trips} {would|will} {it take|{he} have to do|{he} need}? => .
    {N} was making {bags} of {o} with {k} {o |}in each{ {bag}|}. If {he} had {a} {r} {o} and {b} {q} {o}, how many {bags} could {he} make? => .
    For every {k} {o} they {got}, they got one point. If {N} {got} {a} {o} and {his} {people} {got} {b}{ {o}|}, how many points did they get{all}? => .""",
    "rest_per_day": """{In}{N} had {a} {o} to {get}. {He} {got|finished} {b} of them {but|and} still had {k} {bags} {to do|left}, {all with the same number|each with as many}. => How many {o} are in each {bag}?
    {In}{N} had {a} {o}. {He} {lost} {b} {of them|{o}} {and|, then} {placed|put|packed} the rest into {bags} {of {k}|with {k} in each}. => How many {bags} {did|could} {he} {make|fill|have}?
    {N} {made|earned|had} {a$}{at}. {If {he}|{He}} {spent|paid} {b$} {on|for} {a {thing}|{o}}, how many {k} dollar {p} {could|can} {he} buy with {the money {he} had left|the rest|what was left}? => .
    {N} was {getting} {things} with {k} {o} {in|on|for} {each|each one|every {thing}}. {He} had {a} {o}, but {b} {of them |}{were {adj}|{gone}}. => How many {things} {could|can} {he} {still |}{make|get}?
    The {people} {got} {a} {o} {all}. {N} {got} {b} of them and {all the others|everyone else} {got} {k} each. => How many {others|other {people}} were there?
    {In}{N} {needs|has to {get}} {a} {o} and has {b} {already|so far}. {He} {gets|got} {k} {a|every|each} {time}. => How many {time}s {will the rest take|are needed}?
    {In}{N} {had|got} {a} {o} and {lost} {b}{ of them|}{at}. {He} {puts|put|divided|packs} {the rest|the others} {equally |}{into|in} {k} {bags}. => How many {o} are in each{ {bag}|}?
    {In}{N} had {a$} and spent {b$} on {a {thing}|{o}}{at}. A {s} costs {k$}. => How many {o} can {he} buy with {the rest|what is left|the money {he} has left}?
    There {were|are} {a} {people}{at}, but {b} {gone}. The {rest|others} {were|are} {split|put|divided} into {k} {equal |}{teams|groups}. => How many are in each{ team| group|}?
    {In}{a} {people} were {invited|asked|expected}{at}, but {b} {did not come|didn't come|stayed home}. Each {table|{bag}} {holds|seats} {k}{ {people}|}. => How many {tables|bags} are needed?
    {N} {got} {a} {o}, {b} of them {adj}. {He} needs {k} {good ones|o} for {a|one|each} {thing}. => How many {things} can {he} make?
    The {place} had {a} {o}. {For {lunch|dinner}|First} they {handed out|used|sold} {b} {to {people}|of them|} and {decided to use|used} the rest {for|to make} {things}. If each {thing} {takes|needs|uses} {k} {o}, how many {things} {could|can} they make? => .
    A {place} invited {a} people, but {b} of them {didn't|did not} {show up|come}. If the tables {they had |}{held|hold|seat} {k} {people |}each, how many tables do they need? => .
    {N} had {a} {o} on {his} {thing}. {He} {lost} {b} of them and put the rest into {bags} with {k} {o |}in each{ one|}. => How many {bags} did {he} {end up with|have|fill}?
    {N} had {a} pieces of {s}. {He} put {b} of them in one {bag} and split the rest into {k} {equal |}{bags|loads|piles}. => How many {pieces |}{could go|were|are} in each{ of {these|the small} ones|}?
    {N} had {a} {people} {in {his} section|at {his} tables|}. If {b} of them left and the rest {of the tables had|sat with} {k} people at each table, how many tables {did {he} have|is that}? => .
    {N} was planting {o}. {He} started with {a} {o |}and {put|planted} {b} of them in the big {bag}. In each of {his} small {bags} {he} put {k}{ {o}|}. => How many small {bags} did {he} have?
    {N} had {a} {o} in {stock|the {place}}. {He} got rid of {b} of them and put the {others|rest|ones that were left} on shelves with {k} on each{ shelf|}. => How many shelves did {he} use?
    {N}'s team scored {a} points. {N} scored {b} of them and everyone else scored {k} each. => How many others were {on the team|there}?""",
    "two_kinds": """{N} {got} {a} {bags} of {r} {o}. Each {bag} had {b}{ {o}|}{ in it|}. Then {he} {got} {an additional |another |}{c} {q} {o}{at}. => How many {o} did {he} {get}{all}?
    {N} {earned|gets|got} {b$} for {each|every} {s}{ {he} {got}|}. {He} {got} {a} {o} and already had {c$}{ saved|}. => How much {money |}does {he} have{all|now}?
    {At|In} the {place} there were {a} rows of {people} with {b} {people|} in each row and {another |}{c} {people} in the back. => How many {people} were there{all}?
    {In}{N} {got|has} {a} {bags} {of|with} {b} {o}{ each|} and {c} {more|single|other} {o}{at}. => How many {o} {does {he} have|are there|is that}{all}?
    {In}{N} {got} {a} {o} for {b$} each and a {thing} for {c$}. => How much did {he} {pay|spend}{all}?
    {In}{a} {people} {got} {b} {o} each{at}. {N} {got} {c}{ {o}|}. => How many {o} is that{all}?
    There are {a} {bags} with {b} {o} in each and {c} {o} {ing|on the {thing}}. => How many {o} are there{all}?
    {N} {earns|makes|gets} {b$} an hour. {He} worked {a} hours and {got|received|was given} {c$} {in tips|more|from {M}}. => How much {money |}is that{all}?
    {N} buys {a} {o} at {b$} each and {also |}a {thing} for {c$}. => {How much does {he} pay|What is the total}{all}?""",
    "product_less": """{In}{N} {got} {a} {bags} {of|with} {b} {o}{ each|}{at}. {He} {lost} {c}{ of them| {o}|}{at}. => How many {o} {are left|does {he} have {left}}?
    There are {a} {bags}{at} with {b} {o} in each. {c} {of them |o |of the {o} |}{gone|are {adj}}. => How many {o} are {left|there now|not}?
    {N} {sold|sells} {a} {o} for {b$} each. {He} spent {c$} {on {p}|for a {thing}}. => How much {money |}{is left|does {he} have left|did {he} make}?""",
    "had_before": """{N} had some money. {He} spent {a$} on {a {thing}|{o}}{at} and {has|had} {b$} left. => How much {money |}did {he} have {at first|before|to begin with}?
    After {losing|eating|selling|spending} {a} {o}, {N} {has|had} {b}{ {o}|} left. => How many {o} did {he} {have|start with} {before|at first|}?
    {In}{N} had some {o}. {He} {lost} {a}{ of them| {o}|}{at}. {Now |}{he} has {b} {left|o left|}. => How many {o} did {he|{N}} have {at first|before|in the beginning|to start with}?
    {In}there were some {o} {ing|}{at}. {a} {of them |}{gone} and {b} {are left|stayed|are still there}. => How many {o} were there {at first|before|in the beginning}?
    After {N} {lost} {a} {o}{at}, {he} has {b} {left|o left}. => How many {o} did {he} have {before|at first|to begin with}?
    {N} spent {a$}{at}. Now {he} has {b$}{ left|}. => How much {money |}did {he} have {before|at first}?""",
    "had_less": """{In}{N} had some {o}. {He|{M}} {got} {him |}{b} {more|more {o}}{at}. Now {he|{N}} has {a}{ {o}|}. => How many {o} did {he|{N}} have {at first|before|in the beginning|to start with}?
    There were some {o} {ing|}{at}. {b} more {came}. Now there are {a}{ {o}|}. => How many {o} were there {at first|before|in the beginning}?
    After {getting} {b} {more |}{o}{at}, {N} has {a}{ {o}|}. => How many {o} did {he} have {before|at first}?""",
    "change": """{In}{N} had {c$} and {got} {a} {o} for {b$} each{at}. => How much {money |}{is left|does {he} have left}?
    {In}{N} had {c} {o}. {He} gave {b} {o |}to each of {a} {people}. => How many {o} {are left|does {he} have left}?
    {N} {needs|wants} {c} {o}. {He} has {a} {bags} with {b}{ {o}|}{ each| in each|}. => How many more {o} does {he} need?
    {There are|{N} has} {c} {o}. {a} {bags} {hold|get|take} {b} each. => How many {o} are left{ over|}?
    {N} buys {a} {o} at {b$} each. {He} {pays|paid} with {c$}. => How much {change|money} {does|did} {he} get back?""",
    "two_prices": """{In}{N} {got} {a} {o} for {b$} each and {c} {p} for {d$} each{at}. => How much {money |}did {he} {pay|spend}{all}?
    {N} {got} {a} {bags} of {b} {o} and {c} {bags} of {d}{ {o}|}. => How many {o} {is that|does {he} have}{all}?
    If {a} {r} {bags} hold {b} {o} each and {c} {q} {bags} hold {d} each, how many {o} is that{all}?""",
    "times3": """If there are {a} {bags} with {b} {things} each and every {thing} has {c} {o}, how many {o} is that{all}? => .
    {In}there are {a} {bags}{at}. {Each|Every} {bag} has {b} {things}, and each {thing} has {c} {o}. => How many {o} are there{all}?
    {N} has {a} {bags} of {things}. There are {b} {things} in {each|a} {bag} and {c} {o} {in|on} {each|a} {thing}. => How many {o} does {he} have{all}?
    {a} {people} work {b} hours a day and {get|make} {c} {o} an hour. => How many {o} do they {get|make} in a day?""",
    "percent_of": """{In}{N} {has|had|got} {a} {o}{at}. {k}{%| percent} of {them|the {o}} are {r}. => How many {o} are {r}?
    {k}{%| percent} of the {a} {people}{at} are {r|girls|{ing}}. => How many {people} is that?""",
    "part_of_number": """{In}{N} {has|had|got} {a} {o}{at}. {w} of {them|the {o}} are {r}. => How many {o} are {r}?
    {w} of the {a} {people}{at} are {r|girls|{ing}}. => How many {people} is that?
    {N} {got} {a} {o} and {lost} {w} of them{at}. => How many {o} did {he} {lose}?""",
    "part_gone": """{In}{N} {had|got} {a} {o}{at}. {He} {lost} {w} of {them|the {o}}{at}. => How many {o} {are left|does {he} have {left}|remain}?
    There were {a} {people}{at}. {w} of them {gone}. => How many {people} are left?""",
    "as_many": """{In}{N} {has|had|got} {a} {o}{at}. {M} {has|had|got} {w} as many{ {o}|}. => How many {o} {does {M} have|did {M} {get}}?
    There are {a} {o} and {w} as many {p}{at}. => How many {p} are there?
    {N} {got} {a} {o}. The next {day|week} {he} {got} {w} as many. => How many {o} was that?""",
    "as_many_all": """{In}{N} {has|had|got} {a} {o}{at}. {M} {has|had|got} {w} as many{ {o}|}. => How many {o} do {they|{N} and {M}} have {together|in all|altogether|in total}?
    There are {a} {o} and {w} as many {p}{at}. => How many {things |of them |}are there {together|in all|altogether|in total}?""",
    "times_other": """{In}{N} {has|had|got} {a} {o}{at}, which is {w} as many as {M}. => How many {o} {does {M} have|did {M} {get}}?
    {N} {got} {a} {o}. {That|This} is {w} as many as {M}{ {got}|}. => How many {o} did {M} {get}?""",
    "average3": """{In}{N} {got} {a}, {b} and {c} {o} {on three days|in three {time}s}{at}. => What is the average?
    The three {o} {weigh|cost|measure} {a}, {b} and {c} {unit2}. => What is {their|the} average{ weight| price|}?""",
    "perimeter": """The {place} is {a} {unit} long and {b} {unit} wide. {N} {walks|runs} around it once. => How {far|many {unit}} is that?
    {N} wants to put a {fence|ribbon|rope} around a {thing} of {a} by {b} {unit}. => How {long|many {unit}} must it be?""",
    "area": """The {place} is {a} {unit} long and {b} {unit} wide. => How many square {unit} is that?
    {N} wants to cover a {thing} of {a} by {b} {unit} with {tiles|paper|cloth|paint}. => How many square {unit} {is that|must {he} cover}?""",
    "distance": """{In}{N} {walks|rides|drives|sails|flies|runs} {at |}{a} {unit} {an|per} hour for {b} hours{at}. => How {far|many {unit}} does {he} {go|travel|get to}?
    {In}{N} {walked|rode|drove|sailed|ran} for {b} hours at {a} {unit} {an|per} hour{at}. => How {far|many {unit}} did {he} {go|travel|get to}?""",
    "duration": """{N} {walks|rides|drives|sails} {b} {unit} {an|per|every} hour. => How many hours {does {he} need|does it take} for {a} {unit}?
    The {place} is {a} {unit} away. {N} {does|goes|walks|drives} {b} {unit} {an|per} hour. => How {long|many hours} does it take{ {him}|}?""",
}
WEIGHTS = dict(sum2=11, rest_of=9, product=7, equal_parts=7, difference=4, sum3=3, minus_twice=2, plus_minus=4, minus_plus=4, bracket=4,
               rest_times=4, sum_shared=4, rest_per_day=4, two_kinds=2, had_before=2, had_less=2)     # of the others 1
MEASURED = set("sum2 sum3 rest_of difference had_before had_less plus_minus minus_plus minus_twice".split())    # numbers may be large here, or have a decimal point
GROWING = dict(product="a b", distance="a b", equal_parts="a", speed="a", duration="a ab", percent_of="a")      # one of these may be large here
