#!/bin/sh
# Chromium gives itself a higher priority where it may: with root's rights it would go before
# all other tests.
program=/usr/bin/chromium-headless-shell
if [ "$(id -u)" = 0 ]; then
    exec setpriv --bounding-set=-sys_nice "$program" "$@"
fi
exec "$program" "$@"
