"""Run Python in a network namespace: python in_namespace.py NAMESPACE ARGUMENTS…; the process stays the same."""

import os
import sys

from network import enter

if __name__ == "__main__":
    enter(sys.argv[1])
    os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
