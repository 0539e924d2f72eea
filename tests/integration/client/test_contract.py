"""An outside judge: launchdarkly's sse-contract-tests, a harness in Go.

No package registry has it, so it is not among what CI installs: where its program is on the PATH,
it judges.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from urllib.request import urlopen

import pytest

from tests import client
from tests.servers import free_port

HARNESS = shutil.which("sse-contract-tests")


@pytest.mark.skipif(HARNESS is None, reason="sse-contract-tests is not on the PATH")
@pytest.mark.usefixtures("tools")
def test_the_harness_finds_no_fault():
    port = free_port()
    service = subprocess.Popen(
        ["node_modules/.bin/vite-node", "test/contract/service.ts"],
        cwd=client.CLIENT,
        env=os.environ | {"PORT": str(port)},
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_it_answers(url)
        judged = subprocess.run(
            [HARNESS, "--url", url, "--host", "127.0.0.1", "--port", str(free_port())],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    finally:
        service.kill()
        service.wait()
    assert judged.returncode == 0, judged.stdout
    assert "All tests passed" in judged.stdout + judged.stderr


def _wait_until_it_answers(url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            urlopen(url, timeout=5).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
