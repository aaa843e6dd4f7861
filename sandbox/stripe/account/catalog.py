"""The customers, products, prices and subscriptions of one account and mode. Each change records its event."""

from collections.abc import Callable, Iterable, Sequence

from sandbox.stripe.account.journal import Journal
from sandbox.stripe.records.collection import Collection
from sandbox.stripe.records.ids import IdSource, token
from sandbox.stripe.records.locking import Lock, alone
from sandbox.stripe.records.records import Customer, Metadata, Price, Product, Subscription
from sandbox.stripe.render.render import Renderer


class Catalog:
    """Customers, products, prices and subscriptions. `at` is in Unix seconds and defaults to the clock's time."""

    def __init__(
        self,
        renderer: Renderer,
        *,
        owner: str,
        clock: Callable[[], int],
        versions: Callable[[], Iterable[str]],
        lock: Lock,
    ) -> None:
        self.renderer = renderer
        self.livemode = renderer.livemode
        self.ids = IdSource(owner)
        self.journal = Journal(renderer, self.ids, versions)
        self.customers: Collection[Customer] = Collection()
        self.products: Collection[Product] = Collection()
        self.prices: Collection[Price] = Collection()
        self.subscriptions: Collection[Subscription] = Collection()
        self.lock = lock
        self._clock = clock

    def moment(self, at: int | None) -> int:
        """Return `at`, or the clock's time if it is None."""
        return self._clock() if at is None else at

    @alone
    def create_customer(
        self,
        name: str | None = None,
        *,
        email: str | None = None,
        country: str | None = None,
        metadata: Metadata | None = None,
        at: int | None = None,
    ) -> Customer:
        """Create a customer, who may have no name."""
        at = self.moment(at)
        identifier = self.ids.issue("cus")
        customer = Customer(
            id=identifier,
            created=at,
            sequence=self.ids.issued,
            name=name,
            email=email,
            invoice_prefix=token("prefix", identifier, length=8).upper(),
            last_known_name=name,
            country=country,
            metadata=metadata,
        )
        self.customers.add(customer)
        self.journal.tell(("customer.created",), customer, at=at)
        return customer

    @alone
    def rename_customer(self, customer_id: str, name: str | None, *, at: int | None = None) -> Customer:
        """Change a customer's name, or remove it. Finalized invoices keep the name they were billed to."""
        customer = self.customers[customer_id]
        before = self.journal.before(customer)
        customer.name = name
        if name is not None:
            customer.last_known_name = name
        self.journal.tell(("customer.updated",), customer, at=self.moment(at), before=before)
        return customer

    @alone
    def delete_customer(self, customer_id: str, *, at: int | None = None) -> Customer:
        """Delete a customer and cancel its subscriptions. Its invoices remain."""
        customer = self.customers[customer_id]
        at = self.moment(at)
        for subscription in self.subscriptions:
            if subscription.customer is customer and subscription.status == "active":
                self.cancel_subscription(subscription.id, at=at)
        self.journal.tell(("customer.deleted",), customer, at=at)
        customer.deleted = True
        return customer

    @alone
    def create_product(self, name: str, *, metadata: Metadata | None = None, at: int | None = None) -> Product:
        """Create a product."""
        at = self.moment(at)
        identifier = self.ids.issue("prod")
        product = Product(id=identifier, created=at, sequence=self.ids.issued, name=name, metadata=metadata)
        self.products.add(product)
        self.journal.tell(("product.created",), product, at=at)
        return product

    @alone
    def rename_product(self, product_id: str, name: str, *, at: int | None = None) -> Product:
        """Change a product's name."""
        product = self.products[product_id]
        before = self.journal.before(product)
        product.name = name
        self.journal.tell(("product.updated",), product, at=self.moment(at), before=before)
        return product

    @alone
    def delete_product(self, product_id: str, *, at: int | None = None) -> Product:
        """Delete a product, which Stripe allows only if it has no prices."""
        product = self.products[product_id]
        if any(price.product is product for price in self.prices):
            message = f"{product_id} has prices"
            raise ValueError(message)
        self.journal.tell(("product.deleted",), product, at=self.moment(at))
        product.deleted = True
        return product

    @alone
    def create_price(  # noqa: PLR0913 - a price has this many fields
        self,
        product_id: str,
        unit_amount: int,
        *,
        currency: str = "usd",
        every: tuple[int, str] | None = None,
        price_id: str | None = None,
        nickname: str | None = None,
        lookup_key: str | None = None,
        metadata: Metadata | None = None,
        at: int | None = None,
    ) -> Price:
        """Create a price. `every` is its interval, for example `(3, "month")`; None for a one-time price.

        `price_id` is for prices that were once plans, for example `small-monthly`.
        """
        at = self.moment(at)
        count, interval = every or (1, None)
        identifier = price_id or self.ids.issue("price")
        price = Price(
            id=identifier,
            created=at,
            sequence=self.ids.issued,
            product=self.products[product_id],
            currency=currency,
            unit_amount=unit_amount,
            interval=interval,
            interval_count=count,
            nickname=nickname,
            lookup_key=lookup_key,
            metadata=metadata,
        )
        self.prices.add(price)
        self.journal.tell(("price.created",), price, at=at)
        return price

    @alone
    def rename_price(self, price_id: str, nickname: str | None, *, at: int | None = None) -> Price:
        """Change a price's nickname, or remove it."""
        price = self.prices[price_id]
        before = self.journal.before(price)
        price.nickname = nickname
        self.journal.tell(("price.updated",), price, at=self.moment(at), before=before)
        return price

    @alone
    def deactivate_price(self, price_id: str, *, at: int | None = None) -> Price:
        """Deactivate a price: lists omit it by default, but it can still be fetched by id."""
        price = self.prices[price_id]
        before = self.journal.before(price)
        price.active = False
        self.journal.tell(("price.updated",), price, at=self.moment(at), before=before)
        return price

    @alone
    def create_subscription(
        self,
        customer_id: str,
        price_ids: Sequence[str],
        *,
        metadata: Metadata | None = None,
        at: int | None = None,
    ) -> Subscription:
        """Subscribe a customer to prices. This bills nothing: invoices are created by calls of their own."""
        at = self.moment(at)
        subscription = Subscription(
            id=self.ids.issue("sub"),
            created=at,
            sequence=self.ids.issued,
            customer=self.customers[customer_id],
            prices=tuple(self.prices[price_id] for price_id in price_ids),
            metadata=metadata,
        )
        self.subscriptions.add(subscription)
        self.journal.tell(("customer.subscription.created",), subscription, at=at)
        return subscription

    @alone
    def cancel_subscription(self, subscription_id: str, *, at: int | None = None) -> Subscription:
        """Cancel a subscription. Its invoices remain."""
        subscription = self.subscriptions[subscription_id]
        subscription.canceled_at = at = self.moment(at)
        subscription.status = "canceled"
        self.journal.tell(("customer.subscription.deleted",), subscription, at=at)
        return subscription
