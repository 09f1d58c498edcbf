#!/usr/bin/env bash
# Do what the Dockerfile and its container do, without a container engine. In a clean folder, install the pinned
# requirements in a virtual environment, with the bot's code next to it. As another user, with everything but /data and
# /tmp read-only, start the bot, ask for its health, and stop it by SIGTERM. The other user and the mounts need root.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "scripts/image.sh needs root: it runs the bot as another user." >&2; exit 1; }

LIMIT=180  # megabytes on top of the base image
image=$(mktemp -d /tmp/image-XXXXXX)
trap 'rm -rf "$image"' EXIT
chmod 755 "$image"
# The other user must be able to run this Python, so it can't be one under /root.
"${PYTHON:-/usr/bin/python3}" -m venv "$image/venv"
"$image/venv/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes --requirement requirements/run.txt
sh scripts/slim.sh "$image/venv"
mkdir "$image/app" "$image/data" && cp -r bot "$image/app/bot"
"$image/venv/bin/python" -m compileall -q "$image/app/bot"
size=$(du -sm "$image" | cut -f1)
[ "$size" -le "$LIMIT" ] || { echo "On top of Python there are $size MB, more than $LIMIT." >&2; exit 1; }
chown 10001:10001 "$image/data" && chmod 700 "$image/data"

IMAGE=$image PORT=$((20000 + RANDOM % 10000)) unshare --mount --propagation private bash -euo pipefail <<'INSIDE'
mount -t tmpfs tmpfs /var/tmp  # this stays writable when the rest becomes read-only
mkdir /var/tmp/data && chown 10001:10001 /var/tmp/data && chmod 700 /var/tmp/data
while read -r _ _ _ _ place _; do mount -o remount,bind,ro "$place" 2>/dev/null || true; done < <(sort -rk5 /proc/self/mountinfo)
mount -o remount,bind,rw /var/tmp
touch "$IMAGE/app/written" 2>/dev/null && { echo "the root file system can be written to" >&2; exit 1; }
bot() {  # call it in a subshell: it replaces itself by the bot
  exec env -i PATH="$IMAGE/venv/bin:/usr/bin:/bin" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/var/tmp/data \
    WEB_LISTEN=127.0.0.1:$PORT TELEGRAM_BOT_TOKEN=123456789:nobody-has-this-token TMPDIR=/var/tmp/data \
    TELEGRAM_API_URL=http://127.0.0.1:9 PROVIDER_URL=http://127.0.0.1:9/api \
    setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --bounding-set=-all \
    sh -c 'cd "$0/app" && exec python -m bot "$@"' "$IMAGE" "$@"
}
(bot --version)
(cd "$IMAGE/app" && "$IMAGE/venv/bin/python" -B -W error::ImportWarning - <<'CHECK')
from importlib import import_module
from pkgutil import walk_packages

import bot

for module in walk_packages(bot.__path__, "bot."):  # what the bot loads only when it is needed is there, too
    if not module.name.startswith(("bot.sandbox", "bot.__main__")):
        import_module(module.name)
for library in ("facturx", "icalendar", "lxml.etree", "pygal", "pypdf", "resvg_py", "xlsxwriter"):
    import_module(library)
CHECK
bot run & process=$!
trap 'kill -KILL "$process" 2>/dev/null || true' EXIT
for _ in $(seq 60); do (bot health) >/dev/null 2>&1 && break; sleep 0.5; done
(bot health)
kill -TERM "$process"
wait "$process"
INSIDE
echo "The image works: another user, a read-only root, health, and a stop. On top of Python it has $size MB."
