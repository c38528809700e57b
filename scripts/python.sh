# shellcheck shell=bash
# What the steps that need programs of PyPI share; they read this file.

# Whether there is a Python that is new enough.
has_venv() { python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# unless_stamped STAMP INPUTS COMMAND…: runs a command unless its stamp says that it ran for these very inputs.
unless_stamped() {
    local stamp=$1 inputs=$2
    shift 2
    if [[ -f $stamp && $(<"$stamp") == "$inputs" ]]; then return 0; fi
    "$@"
    echo "$inputs" >"$stamp"
}

# make_venv FOLDER: FOLDER/.venv, with what FOLDER/requirements.txt pins.
make_venv() {
    unless_stamped "$1/.venv/.stamp" "$(python3 -VV; sha256sum "$1/requirements.txt")" install_python "$1"
}

install_python() {
    python3 -m venv --clear "$1/.venv"
    timeout 900 "$1/.venv/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: \
        --requirement "$1/requirements.txt"
}
