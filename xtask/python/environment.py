"""Makes the virtual environment with the programs of others that tests use, unless it is there already.

Usage: python3 environment.py FOLDER [REQUIREMENTS]

Prints the path of the environment's interpreter. Only making it needs a network. Several processes may do so at once:
each makes one of its own beside the folder, and the first that is done becomes the folder.
"""

import os
import pathlib
import shutil
import subprocess
import sys

# Given by name for the programs that only the benchmark needs.
REQUIREMENTS = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else pathlib.Path(__file__).with_name("requirements.txt")
# Installing takes seconds; a mirror that does not answer must not hold the tests up for ever.
INSTALL_SECONDS = 300


def interpreter(folder):
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def is_ready(folder):
    """Whether the folder holds what the requirements ask for, and its interpreter is still there."""
    try:
        written = (folder / "requirements.txt").read_bytes()
    except OSError:
        return False
    return written == REQUIREMENTS.read_bytes() and interpreter(folder).exists()


def make(folder):
    try:
        import ensurepip  # noqa: F401 - without it there is no pip in a new environment
        import venv
    except ImportError:
        sys.exit("this Python has no venv module: on Debian and Ubuntu it is the package python3-venv")
    own = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        venv.create(own, clear=True, with_pip=True)
        install = [interpreter(own), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        install += ["--requirement", REQUIREMENTS]
        try:
            result = subprocess.run(install, timeout=INSTALL_SECONDS, stdout=sys.stderr, check=False)
        except subprocess.TimeoutExpired:
            sys.exit(f"pip did not install {REQUIREMENTS} within {INSTALL_SECONDS} seconds")
        if result.returncode != 0:
            sys.exit(f"pip cannot install {REQUIREMENTS}: it needs a package index, which PIP_INDEX_URL may name")
        shutil.copyfile(REQUIREMENTS, own / "requirements.txt")
        if folder.exists() and not is_ready(folder):
            # In one step: another process may be about to do the same.
            old = own.with_name(f"{own.name}.old")
            try:
                folder.rename(old)
            except FileNotFoundError:
                pass
            shutil.rmtree(old, ignore_errors=True)
        try:
            own.rename(folder)
        except OSError:
            if not is_ready(folder):
                raise
    finally:
        shutil.rmtree(own, ignore_errors=True)


def main():
    if sys.version_info < (3, 8):
        sys.exit(f"Python 3.8 or newer is needed, this is {sys.version.split()[0]}")
    folder = pathlib.Path(sys.argv[1]).absolute()
    if not is_ready(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        make(folder)
    print(interpreter(folder))


main()
