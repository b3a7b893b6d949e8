"""Starts labs."""

import json
import os
import shlex
import shutil
from collections import deque
from subprocess import PIPE, STDOUT, Popen, TimeoutExpired
from threading import Thread, Timer
from typing import IO, Any, Mapping, Optional, Sequence, cast

from .api import LabError
from .lab import Lab


def start(config: Optional[Mapping[str, Any]] = None, *, command: Sequence[str] = (), timeout: float = 60) -> Lab:
    """Starts a lab as a process, on free ports, and returns when it is ready: `with start() as lab: …`.

    `config` has the keys of the YAML file. `command` is the program, `npx sealpost` by default, or SEALPOST_COMMAND.
    Raises LabError with the output of the lab.
    """
    words = [*(command or shlex.split(os.environ.get("SEALPOST_COMMAND", "npx sealpost"))), "start", "--for-tests"]
    words[0] = shutil.which(words[0]) or words[0]
    environment = {**os.environ, "SEALPOST_CONFIG": json.dumps(config or {})}
    try:
        process = Popen(words, env=environment, stdin=PIPE, stdout=PIPE, stderr=STDOUT, text=True, start_new_session=True)
    except OSError as error:
        raise LabError(f"{words[0]} cannot be started: {error}; install Sealpost, or set SEALPOST_COMMAND") from error
    give_up = Timer(timeout, _stop, [process, 0])
    give_up.start()
    printed, output = [], cast(IO[str], process.stdout)
    for line in output:
        if line.startswith('{"event":"ready"'):
            give_up.cancel()
            # Reads on, so that the lab can print more.
            Thread(target=deque, args=(output, 0), daemon=True).start()
            ready = json.loads(line)
            return Lab(ready["url"], ready["administratorToken"], stop=lambda: _stop(process))
        printed.append(line)
    give_up.cancel()
    _stop(process)
    raise LabError(f"the lab was not ready within {timeout:g} s, or has ended: {''.join(printed).rstrip()}")


def _stop(process: "Popen[str]", patience: float = 30) -> None:
    """Ends the input of the lab, which stops it, also if npx has started it."""
    cast(IO[str], process.stdin).close()
    try:
        process.wait(patience)
    except TimeoutExpired:
        process.kill()
        process.wait()
