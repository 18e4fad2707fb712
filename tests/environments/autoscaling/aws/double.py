"""An EC2 that answers what a test tells it, in the shapes that EC2 uses: for errors that moto does not have."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

_SPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
NOTHING = f'<DescribeInstancesResponse xmlns="{_SPACE}"><reservationSet/></DescribeInstancesResponse>'
IMAGE = (
    f'<DescribeImagesResponse xmlns="{_SPACE}"><imagesSet><item><imageId>ami-01234567</imageId><name>worker</name>'
    "<rootDeviceName>/dev/sda1</rootDeviceName></item></imagesSet></DescribeImagesResponse>"
)
TEMPLATE = (
    f'<CreateLaunchTemplateResponse xmlns="{_SPACE}"><launchTemplate><launchTemplateId>lt-1</launchTemplateId>'
    "</launchTemplate></CreateLaunchTemplateResponse>"
)
FORGOTTEN = f'<DeleteLaunchTemplateResponse xmlns="{_SPACE}"/>'


def started(instance_id: str) -> str:
    return (
        f'<RunInstancesResponse xmlns="{_SPACE}"><instancesSet><item><instanceId>{instance_id}</instanceId></item>'
        "</instancesSet></RunInstancesResponse>"
    )


def fleet_without(code: str, message: str = "refused") -> str:
    return (
        f'<CreateFleetResponse xmlns="{_SPACE}"><fleetId>fleet-1</fleetId><errorSet><item><errorCode>{code}</errorCode>'
        f"<errorMessage>{message}</errorMessage></item></errorSet></CreateFleetResponse>"
    )


def refused(code: str, message: str = "refused", status: int = 400) -> tuple[int, str]:
    return status, (
        f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        "<RequestID>00000000-0000-0000-0000-000000000000</RequestID></Response>"
    )


class Double:
    """`answers` by action: the first one is taken, the last one stays."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[dict[str, str]] = []
        self.answers: dict[str, deque[str | tuple[int, str]]] = {}
        self.says("DescribeInstances", NOTHING)
        self.says("DescribeImages", IMAGE)
        self.says("CreateLaunchTemplate", TEMPLATE)
        self.says("DeleteLaunchTemplate", FORGOTTEN)

    def says(self, action: str, *answers: str | tuple[int, str]) -> None:
        self.answers[action] = deque(answers)

    def requests(self, action: str) -> list[dict[str, str]]:
        return [request for request in self.asked if request["Action"] == action]

    def answer(self, request: dict[str, str]) -> tuple[int, str]:
        self.asked.append(request)
        known = self.answers.get(request["Action"]) or deque([refused("InvalidAction")])
        said = known.popleft() if len(known) > 1 else known[0]
        return said if isinstance(said, tuple) else (200, said)


@contextmanager
def running() -> Iterator[Double]:
    double = Double()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, text = double.answer({name: values[0] for name, values in parse_qs(body).items()})
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    double.url = f"http://127.0.0.1:{server.server_port}"
    yield double
    server.shutdown()
    server.server_close()
