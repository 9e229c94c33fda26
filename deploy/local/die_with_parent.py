"""Run a command that ends when the process that started it ends: PARENT SIGNAL USER COMMAND...

A program of its own, not a function between fork and exec: there, in a process with threads, Python code can
block for ever on a lock that another thread held. It replaces itself by the command, so the process id stays.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    parent, number, user, *command = sys.argv[1:]
    if user:
        account = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    # After the change of user, which clears the setting. Other systems than Linux have no such call.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number))
    if os.getppid() != int(parent):  # it ended before the request was in place
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - replacing this process is the purpose


if __name__ == "__main__":
    main()
