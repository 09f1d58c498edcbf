"""The error tree.

An error carries a message key and the arguments of that message; only the edge (chat or command line) puts it into
words, in the reader's language. The texts stand in ``bot/locales`` under the same keys.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar


class BotError(Exception):
    """Base of all errors that a person may be told of.

    ``key`` names the message, ``arguments`` fill its placeholders.
    """

    key: ClassVar[str] = "error.unexpected"

    def __init__(self, **arguments: object) -> None:
        self.arguments = arguments
        super().__init__(self.key, arguments)

    def __str__(self) -> str:
        details = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        return f"{self.key}({details})"


# --- The provider's API ---------------------------------------------------------------------------------------------


class ProviderError(BotError):
    """A call to the provider did not give what was asked for."""


class TokenRefused(ProviderError):
    """401: the token is wrong, expired or revoked."""

    key = "error.token_refused"


class PermissionMissing(ProviderError):
    """403: the token lacks a permission, named in ``permission``."""

    key = "error.permission_missing"

    def __init__(self, permission: str) -> None:
        super().__init__(permission=permission)


class NotFound(ProviderError):
    """404: the account has no such invoice or document."""

    key = "error.not_found"


class Refused(ProviderError):
    """Another 4xx: the provider understood and said no. ``reason`` holds its own words, or is empty."""

    def __init__(self, status: int, reason: str = "") -> None:
        self.status = status
        self.reason = reason
        self.key = "error.refused" if reason else "error.refused_without_reason"  # type: ignore[misc]  # by instance
        super().__init__(status=status, reason=reason)


class RateLimited(ProviderError):
    """429. ``retry_after`` is the wait in seconds that the provider asked for, or None if it named none."""

    key = "error.rate_limited"

    def __init__(self, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__()


class ProviderDown(ProviderError):
    """5xx, a time-out or a broken connection: the request may have been carried out."""

    key = "error.provider_down"


class ProviderUnreachable(ProviderDown):
    """No connection came about, so the request was surely not carried out."""


class AnswerNotUnderstood(ProviderError):
    """An answer that is not what the reference promises: HTML, cut-off JSON, a PDF that is none.

    ``detail`` is for the log.
    """

    key = "error.answer_not_understood"

    def __init__(self, detail: str) -> None:
        super().__init__(detail=detail)


class DocumentTooLarge(ProviderError):
    """A download passed the limit, given in whole megabytes."""

    key = "error.document_too_large"

    def __init__(self, limit_mb: int) -> None:
        super().__init__(limit_mb=limit_mb)


# --- Telegram -------------------------------------------------------------------------------------------------------


class MessengerError(BotError):
    """A message did not get out."""


class ChatGone(MessengerError):
    """This chat can't be written to any more (blocked, kicked, deleted): it rests until it comes back."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason=reason)


class ChatMigrated(MessengerError):
    """The group became a supergroup and goes by ``new_chat_id`` from now on."""

    def __init__(self, new_chat_id: int) -> None:
        self.new_chat_id = new_chat_id
        super().__init__(new_chat_id=new_chat_id)


class FloodLimited(MessengerError):
    """429 from Telegram: nothing was sent; ``retry_after`` seconds must pass first."""

    def __init__(self, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(retry_after=retry_after)


class NotSent(MessengerError):
    """Surely not delivered: no connection came about, or the bot's token was refused. Tried again until it works."""


class TelegramDown(MessengerError):
    """Telegram answered 5xx: most likely not delivered, but it may have been; tried again until it works."""


class SendRefused(MessengerError):
    """Telegram refused for a reason that we don't know, given in ``reason``: tried a few times, then set aside."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class DeliveryUncertain(MessengerError):
    """The connection broke after the request may have left: delivered or not, nobody knows."""


# --- What a person did ----------------------------------------------------------------------------------------------


class UserError(BotError):
    """A person asked for something that can't be done as asked; the text says what to do instead."""


class NotLinked(UserError):
    key = "error.not_linked"


class GroupNotLinked(UserError):
    """Somebody asked in a group for what needs a link."""

    key = "error.group_not_linked"


class AnonymousPerson(UserError):
    """Written as an anonymous administrator or in a channel's name, so that nobody knows by whom."""

    key = "error.anonymous_person"


class InvitationVoid(UserError):
    """The way from a group into the private chat has expired, was used, or was never ours."""

    key = "error.invitation_void"


class InvitationOfOther(UserError):
    """Somebody else than the person who asked for it came that way."""

    key = "error.invitation_of_other"


class OwnerOrAdministratorOnly(UserError):
    """Only the owner of the link or an administrator of the group may do this; ``owner`` is the owner's name."""

    key = "error.owner_or_administrator_only"


class OwnerOnly(UserError):
    """Only the owner of the link may do this; ``owner`` is the owner's name."""

    key = "error.owner_only"


class RoleUnknown(UserError):
    """Telegram does not tell at present who is an administrator."""

    key = "error.role_unknown"


class GroupOnly(UserError):
    """The command has a meaning in groups only."""

    key = "error.group_only"


class PayerNotAllowed(UserError):
    """Somebody was named who may pay, to whom the operator does not open the bot."""

    key = "error.payer_not_allowed"


class NoPerson(UserError):
    """A bot, a channel or an anonymous administrator was named as somebody who may pay."""

    key = "error.no_person"


class NotAToken(UserError):
    """The text can't be a token: empty, too long, or with characters that no HTTP header may carry."""

    key = "error.not_a_token"


class InvoiceNumberMissing(UserError):
    """A command needs an invoice number; ``command`` is its name without the slash."""

    key = "error.invoice_number_missing"

    def __init__(self, command: str) -> None:
        super().__init__(command=command)


class UnknownFilter(UserError):
    """A word behind /invoices or /archive is no filter."""

    key = "error.unknown_filter"

    def __init__(self, word: str, choices: str) -> None:
        super().__init__(word=word, choices=choices)


class PaymentsOff(UserError):
    """The operator has switched payments off."""

    key = "error.payments_off"


class NotAPayer(UserError):
    """Neither the owner of the link nor named by the owner; ``owner`` is the owner's name."""

    key = "error.not_a_payer"


class NotInCharge(UserError):
    """Somebody who may only read in this group wants to change its reminders; ``owner`` is the owner's name."""

    key = "error.not_in_charge"

    def __init__(self, owner: object) -> None:
        super().__init__(owner=owner)


class PaymentTooLarge(UserError):
    """The amount is above the operator's limit for a single payment."""

    key = "error.payment_too_large"

    def __init__(self, amount: Decimal, limit: Decimal) -> None:
        super().__init__(amount=amount, limit=limit)


class NothingChosen(UserError):
    """Several were to be paid, and none was chosen."""

    key = "error.nothing_chosen"


class NoneToPay(UserError):
    """There is no open invoice that could be paid here."""

    key = "error.none_to_pay"


class NothingToPay(UserError):
    """The invoice is not open, or nothing is left of its sum."""

    key = "error.nothing_to_pay"


class UnclearSum(UserError):
    """The invoice's own figures don't say what is left to pay, so no amount can be confirmed."""

    key = "error.unclear_sum"


class NoCreditApplied(UserError):
    """There is no credit on the invoice that could be taken back, or it is no longer open."""

    key = "error.no_credit_applied"


class PressByOther(UserError):
    """Somebody else than the person who asked pressed the button."""

    key = "error.press_by_other"


class ConfirmationExpired(UserError):
    """The button is too old, already used, or was never ours."""

    key = "error.confirmation_expired"


class PaymentInProgress(UserError):
    """The same invoice of the same account is being paid (or its credit taken back) right now."""

    key = "error.payment_in_progress"


class NothingToRemind(UserError):
    """As far as the chat knows there is nothing to pay on what somebody wants to be reminded of, or not."""

    key = "error.nothing_to_remind"


class CheckUnderWay(UserError):
    """The chat is being checked right now, so there is no need for one more check."""

    key = "error.check_under_way"


class LinkInUse(UserError):
    """A payment of this chat is under way, and how it ends can only be read with the link that it began with."""

    key = "error.link_in_use"


# --- The store ------------------------------------------------------------------------------------------------------


class StoreAway(BotError):
    """The database can't be reached or does not answer in time. What was asked for can be asked for again."""

    key = "error.store_away"


# --- Starting up ----------------------------------------------------------------------------------------------------


class StartError(Exception):
    """The bot can't start, or can't go on. The message tells the operator what to do, in English as the logs are."""
