#!/usr/bin/env bash
# Makes sure that liblz4 and its header are there; installs them with apt-get where that is possible.
set -euo pipefail

if pkg-config --exists liblz4 2>/dev/null || [ -e /usr/include/lz4.h ] || [ -e /opt/homebrew/include/lz4.h ]; then
    exit 0
fi
if [ "$(uname)" = Linux ] && command -v apt-get >/dev/null; then
    prefix=""
    if [ "$(id -u)" != 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            echo "liblz4 is missing; run: sudo apt-get install liblz4-dev pkg-config" >&2
            exit 1
        fi
        prefix="sudo"
    fi
    echo "installing liblz4-dev"
    $prefix apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $prefix apt-get install -y -qq liblz4-dev pkg-config >/dev/null
else
    echo "liblz4 is missing; install it with the package manager of this system (brew install lz4 pkg-config)" >&2
    exit 1
fi
