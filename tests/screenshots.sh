#!/usr/bin/env bash
# The pictures of README and RESULTS, from docs/tree.html and the rounds of a finished run:
#
#   tests/screenshots.sh [OUT [NAME]]       OUT: a folder of evolve.sh; default runs/tiny
#                                           NAME: docs/NAME-light.png and -dark; default rounds
#
# Needs Chromium. The page of the search is filled anew first, in case the template has changed.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
: "${PYTHON:=python}" "${CHROMIUM:=chromium}"

$PYTHON -c 'import re, sys, json, pages
text = open("docs/tree.html", encoding="utf-8").read()
data = re.search(r"id=\"data\">(.*?)</script>", text, re.DOTALL)[1]
open("docs/tree.html", "w", encoding="utf-8").write(pages.fill("replay.html", json.loads(data)))'

pages=$(mktemp -d)
trap 'rm -r "$pages"' EXIT
$PYTHON show.py rounds "${1:-runs/tiny}" --page "$pages/rounds.html"

# shot NAME PAGE FRAGMENT HEIGHT
shot() {
    for theme in light dark; do
        $CHROMIUM --headless --no-sandbox --hide-scrollbars --window-size=1280,"$4" \
            --virtual-time-budget=2000 --screenshot="docs/$1-$theme.png" \
            "file://$2#theme=$theme$3" 2> /dev/null
    done
}
shot tree "$PWD/docs/tree.html" "" 1100
shot "${2:-rounds}" "$pages/rounds.html" "" 900
ls -l docs/*.png
