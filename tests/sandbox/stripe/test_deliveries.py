"""Delivery of webhooks: attempts, retries, and the mishaps of real deliveries."""

import json
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread

import pytest

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.endpoints import Delivery
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.delivery.dispatch import Dispatcher, Mishaps
from sandbox.stripe.delivery.posting import post
from tests.support.stripe_clock import HandClock

SECRET, FORMER_SECRET = "whsec_new", "whsec_old"


class Receiver:
    """A receiver of deliveries in place of a network, which answers with the given statuses, then with 200."""

    def __init__(self, *statuses: int | None) -> None:
        self.statuses = list(statuses)
        self.received: list[Delivery] = []
        self.now_ms = 0

    def __call__(self, delivery: Delivery) -> int | None:
        self.received.append(delivery)
        return self.statuses.pop(0) if self.statuses else 200

    def dispatcher(self, simulated: SimulatedStripe, mishaps: Mishaps | None = None) -> Dispatcher:
        return Dispatcher(simulated, self, lambda: self.now_ms, mishaps=mishaps, retry_after_ms=(100, 1_000))


def test_a_refused_delivery_is_tried_again_later_and_signed_afresh(
    simulated: SimulatedStripe, acme: Account, clock: HandClock
) -> None:
    receiver = Receiver(500, None, 200)
    dispatcher = receiver.dispatcher(simulated)
    simulated.add_endpoint("http://hooks.test/", [SECRET])
    acme.live.create_customer("Zed Samples")

    received = []
    for receiver.now_ms in (0, 99, 100, 1_099, 1_100):
        clock.now += 1
        dispatcher.deliver_due()
        received.append(len(receiver.received))

    assert received == [1, 1, 2, 2, 3]
    assert [(attempt.number, attempt.status) for attempt in dispatcher.attempts] == [(1, 500), (2, None), (3, 200)]
    assert len({delivery.body for delivery in receiver.received}) == 1
    assert len({delivery.headers["Stripe-Signature"] for delivery in receiver.received}) == 3


def test_a_delivery_that_always_fails_is_given_up_after_the_last_retry(
    simulated: SimulatedStripe, acme: Account
) -> None:
    receiver = Receiver(302, 404, 503)
    dispatcher = receiver.dispatcher(simulated)
    simulated.add_endpoint("http://hooks.test/", [SECRET])
    acme.live.create_customer("Zed Samples")

    for receiver.now_ms in (0, 100, 1_100, 100_000):
        dispatcher.deliver_due()

    assert (len(receiver.received), dispatcher.waiting) == (3, 0)


def test_mishaps_lose_double_and_delay_as_often_as_they_are_told_to(simulated: SimulatedStripe, acme: Account) -> None:
    receiver = Receiver()
    dispatcher = receiver.dispatcher(simulated, Mishaps(lost_percent=20, twice_percent=20, late_percent=30))
    simulated.add_endpoint("http://hooks.test/", [SECRET])
    made = [acme.live.create_customer(f"Customer {place}").id for place in range(300)]

    for receiver.now_ms in (0, 10_000):
        dispatcher.deliver_due()

    arrived = [str(json.loads(delivery.body)["data"]["object"]["id"]) for delivery in receiver.received]
    times = Counter(Counter(arrived).values())
    assert 30 < len(made) - len(set(arrived)) < 90
    assert 20 < times[2] < 90
    assert list(dict.fromkeys(arrived)) != [name for name in made if name in arrived]


def test_the_same_seed_has_the_same_mishaps() -> None:
    def story(seed: int) -> list[str]:
        receiver, simulated = Receiver(), SimulatedStripe(HandClock(), seed=seed)
        account = simulated.create_account("Acme Samples")
        dispatcher = receiver.dispatcher(simulated, Mishaps(lost_percent=20, twice_percent=20, late_percent=30))
        simulated.add_endpoint("http://hooks.test/", [SECRET])
        for place in range(50):
            account.live.create_customer(f"Customer {place}")
        for receiver.now_ms in (0, 10_000):
            dispatcher.deliver_due()
        return [delivery.event_id for delivery in receiver.received]

    assert story(1) == story(1)
    assert len(story(1)) != len(story(2))


def test_a_delivery_arrives_over_a_real_socket(
    simulated: SimulatedStripe, acme: Account, listening: Callable[[list[tuple[str, bytes]]], str]
) -> None:
    received: list[tuple[str, bytes]] = []
    endpoint = simulated.add_endpoint(listening(received) + "/webhooks/stripe", [SECRET])
    acme.live.create_customer("Zed Samples")
    (delivery,) = simulated.signed_deliveries(endpoint)

    assert post(delivery) == 200
    assert received == [("/webhooks/stripe", delivery.body)]


def test_nobody_listening_is_no_answer(simulated: SimulatedStripe, acme: Account) -> None:
    endpoint = simulated.add_endpoint("http://127.0.0.1:9/", [SECRET])
    acme.live.create_customer("Zed Samples")
    (delivery,) = simulated.signed_deliveries(endpoint)

    assert post(delivery) is None


@pytest.fixture
def listening(request: pytest.FixtureRequest) -> Callable[[list[tuple[str, bytes]]], str]:
    """Return a function that starts a receiver, which keeps what it receives, and returns its URL."""

    def listen(received: list[tuple[str, bytes]]) -> str:
        class Keeping(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Keeping)
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()

        def stop() -> None:
            server.shutdown()
            thread.join()
            server.server_close()

        request.addfinalizer(stop)
        return f"http://127.0.0.1:{server.server_port}"

    return listen


def test_what_happens_is_delivered_in_the_background(
    simulated: SimulatedStripe, acme: Account, listening: Callable[[list[tuple[str, bytes]]], str]
) -> None:
    arrived = Event()

    def send(delivery: Delivery) -> int | None:
        status = post(delivery)
        arrived.set()
        return status

    received: list[tuple[str, bytes]] = []
    simulated.add_endpoint(listening(received), [SECRET])
    dispatcher = Dispatcher(simulated, send, lambda: 0)
    dispatcher.start()
    acme.live.create_customer("Zed Samples")

    assert arrived.wait(40)
    dispatcher.stop()
    assert [json.loads(body)["type"] for _, body in received] == ["customer.created"]
    assert [attempt.status for attempt in dispatcher.attempts] == [200]
