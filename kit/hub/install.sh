#!/bin/sh
# Install from this folder, without a network: ./install.sh [--into FOLDER] [--python PROGRAM]
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
exec "${PYTHON:-python3}" "$here/install.py" "$@"
