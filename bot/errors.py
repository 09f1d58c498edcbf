"""The error tree.

An error carries the key of its message and the arguments of that message. Only the edge (chat or command line) puts it
into words, in the reader's language. ``bot/locales`` holds the texts under the same keys.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar


@dataclass(eq=False)
class BotError(Exception):
    """Base of all errors that a person may be told of.

    ``key`` names the message. The fields fill its placeholders.
    """

    key: ClassVar[str] = "error.unexpected"

    def __init_subclass__(cls, key: str = "") -> None:
        if key:
            cls.key = key

    @property
    def arguments(self) -> dict[str, object]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __str__(self) -> str:
        details = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        return f"{self.key}({details})"


# --- The provider's API ---------------------------------------------------------------------------------------------


class ProviderError(BotError):
    """A call to the provider failed."""


class ClearRefusal(ProviderError):
    """An answer of the API itself, in which it says that it does not carry this request out.

    ``reason`` holds the provider's own words, or is empty.
    """

    reason: str = ""


@dataclass(eq=False)
class TokenRefused(ClearRefusal, key="error.token_refused"):
    """401: the token is wrong, expired or revoked."""

    reason: str = ""


@dataclass(eq=False)
class PermissionMissing(ClearRefusal, key="error.permission_missing"):
    """403: the token lacks this permission."""

    permission: str
    reason: str = ""


@dataclass(eq=False)
class NotFound(ClearRefusal, key="error.not_found"):
    """404: the account has no such invoice or document."""

    reason: str = ""


@dataclass(eq=False)
class Refused(ClearRefusal, key="error.refused"):
    """Another 4xx, or a failure in the dress of a 200: the provider understood the request and said no."""

    status: int
    reason: str = ""

    def __post_init__(self) -> None:
        if not self.reason:
            self.key = "error.refused_without_reason"  # type: ignore[misc]  # of this instance only


@dataclass(eq=False)
class RateLimited(ClearRefusal, key="error.rate_limited"):
    """429. ``retry_after`` is the wait in seconds that the provider asked for, or None if it named none."""

    retry_after: float | None = None


@dataclass(eq=False)
class ProviderDown(ProviderError, key="error.provider_down"):
    """5xx, a time-out or a broken connection: the request may have been carried out.

    ``retry_after`` is the wait in seconds that the provider asked for, or None if it named none. ``detail`` is for the
    log.
    """

    retry_after: float | None = None
    detail: str = ""
    timed_out: bool = False
    """Whether it took too long, by our clock or by a gateway's. Asked again at once, it would do its work twice."""


class ProviderUnreachable(ProviderDown):
    """No connection came about, so the request was certainly not carried out."""


class TlsFailed(ProviderUnreachable):
    """The provider's certificate is not trusted, or no TLS connection came about."""


class ProxyFailed(ProviderUnreachable):
    """The proxy of the environment can't be used, or does not connect."""


@dataclass(eq=False)
class ForeignAnswer(ProviderDown):
    """An answer that the API did not write, with its status: the page of a firewall, say."""

    status: int = 0


@dataclass(eq=False)
class WrongAddress(ProviderError, key="error.wrong_address"):
    """404, whoever wrote it, for something that every account has. ``reason`` holds words of the API, or is empty."""

    reason: str = ""


@dataclass(eq=False)
class AnswerNotUnderstood(ProviderError, key="error.answer_not_understood"):
    """An answer that breaks the reference: HTML, truncated JSON, a PDF that is none. ``detail`` is for the log."""

    detail: str


class AnswerCut(AnswerNotUnderstood):
    """An answer whose end is missing, although nothing else said so. It is asked for once more."""


class EInvoiceUnread(BotError, key="error.einvoice_unread"):
    """Whether a document holds an e-invoice could not be found out now."""


class EInvoiceMissing(BotError, key="error.einvoice_missing"):
    """A document holds no e-invoice any more."""


class ArchiveEmpty(ProviderError, key="error.archive_empty"):
    """The provider sent an archive, and no invoice is in it."""


@dataclass(eq=False)
class DocumentTooLarge(ProviderError, key="error.document_too_large"):
    """A download passed the limit, given in whole megabytes."""

    limit_mb: int


class NoSpaceLeft(BotError, key="error.no_space"):
    """A download can't be stored: the temporary folder is full, or others take all of it for too long."""


# --- Telegram -------------------------------------------------------------------------------------------------------


class MessengerError(BotError):
    """A message was not sent."""


@dataclass(eq=False)
class ChatGone(MessengerError):
    """Nobody can write to this chat any more (blocked, kicked, deleted). It rests until it can be reached again."""

    reason: str


@dataclass(eq=False)
class ChatMigrated(MessengerError):
    """The group became a supergroup. From now on its id is ``new_chat_id``."""

    new_chat_id: int


@dataclass(eq=False)
class FloodLimited(MessengerError):
    """429 from Telegram: nothing was sent. ``retry_after`` seconds must pass first, ``everywhere`` or in this chat."""

    retry_after: float
    everywhere: bool = False


class NotSent(MessengerError):
    """Certainly not delivered: no connection came about, or the bot's token was refused. Retried until it works."""


@dataclass(eq=False)
class SendRefused(MessengerError):
    """Telegram refused, and ``reason`` does not tell whether because of the message or of the chat."""

    reason: str


class TextRefused(SendRefused):
    """Telegram refused the message itself: its text, its entities or its buttons. Only this counts against it."""


class ChatClosed(SendRefused):
    """Nothing can be written to this chat at present: rights, a topic or a limit of its own are in the way."""


class ChatNotFound(ChatClosed):
    """Telegram does not find the chat, even when asked for it. That can pass."""


class DeliveryUncertain(MessengerError):
    """The connection broke after the request may have left: nobody knows whether the message was delivered."""


class TelegramDown(DeliveryUncertain):
    """Telegram answered 5xx, or something in between answered in its place."""


# --- What a person did: links and groups ----------------------------------------------------------------------------


class UserError(BotError):
    """A person asked for something impossible. The text says what to do instead."""


class NotLinked(UserError, key="error.not_linked"):
    """This private chat needs a link first."""


class GroupNotLinked(UserError, key="error.group_not_linked"):
    """This group needs a link first."""


class LinkNotServed(UserError, key="error.link_not_served"):
    """The chat was linked by somebody whom the operator no longer lets use the bot."""


class NotAToken(UserError, key="error.not_a_token"):
    """The text can't be a token: empty, too long, or with characters that no HTTP header may carry."""


@dataclass(eq=False)
class TokenPaused(UserError, key="error.token_paused"):
    """The person has sent too many wrong tokens. The next one is tried after ``wait``."""

    wait: timedelta


@dataclass(eq=False)
class LinkWouldBeReplaced(UserError):
    """The token is good. But the chat's link, made at ``linked_at``, is to another account, and may not be replaced.

    ``accounts`` is how many accounts the chat has.
    """

    linked_at: datetime
    accounts: int = 1


@dataclass(eq=False)
class AccountNameTooLong(UserError, key="error.account_name_too_long"):
    """An account can't be called that."""

    name: str
    limit: int


@dataclass(eq=False)
class TooManyAccounts(UserError, key="error.too_many_accounts"):
    """The chat holds ``n`` accounts already."""

    n: int


class AccountGone(UserError, key="error.account_gone"):
    """The button is about an account that the chat no longer holds."""


class LinkInUse(UserError, key="error.link_in_use"):
    """A payment of this chat is under way. Only its own link can read how it ends."""


class InvitationVoid(UserError, key="error.invitation_void"):
    """The invitation from a group has expired, was used, or was never ours."""


class InvitationOfOther(UserError, key="error.invitation_of_other"):
    """The invitation is somebody else's."""


class GroupOnly(UserError, key="error.group_only"):
    """The command makes sense in groups only."""


# --- What a person did: permissions ---------------------------------------------------------------------------------


class AnonymousPerson(UserError, key="error.anonymous_person"):
    """An anonymous administrator or a channel wrote, so nobody knows which person it was."""


class AdministratorOnly(UserError, key="error.administrator_only"):
    """Only an administrator of the group may do this: nobody knows who owns its link."""


class RoleUnknown(UserError, key="error.role_unknown"):
    """Telegram does not say at present who is an administrator."""


@dataclass(eq=False)
class NotPermitted(UserError):
    """The person may not do this. ``owner`` is the name of the link's owner, who may."""

    owner: str


class OwnerOnly(NotPermitted, key="error.owner_only"):
    """Only the link's owner may do this."""


class OwnerOrAdministratorOnly(NotPermitted, key="error.owner_or_administrator_only"):
    """Only the link's owner or an administrator of the group may do this."""


class NotInCharge(NotPermitted, key="error.not_in_charge"):
    """Only the link's owner and the people who may pay can change a group's reminders."""


class NotAPayer(NotPermitted, key="error.not_a_payer"):
    """Only the link's owner and the people whom the owner has named may pay."""


@dataclass(eq=False)
class PayerNotAllowed(UserError, key="error.payer_not_allowed"):
    """The named payer is not among the users that the operator allows."""

    name: str
    user_id: int


class NoPerson(UserError, key="error.no_person"):
    """The named payer is a bot, a channel or an anonymous administrator."""


# --- What a person did: invoices, reminders, checks -----------------------------------------------------------------


@dataclass(eq=False)
class InvoiceNumberMissing(UserError, key="error.invoice_number_missing"):
    """A command needs an invoice number. ``command`` is its name without the slash."""

    command: str


@dataclass(eq=False)
class NotANumber(UserError, key="error.not_a_number"):
    """What stands behind a command is no invoice number. ``words`` quotes it."""

    words: str
    command: str


@dataclass(eq=False)
class UnknownFilter(UserError, key="error.unknown_filter"):
    """A word after /invoices or /archive is no filter."""

    word: str
    choices: str


class SearchOver(UserError, key="error.search_over"):
    """The search behind a button is no longer kept."""


class SearchTooLong(UserError, key="error.search_too_long"):
    """What somebody typed is too long for a search."""


class TooManyPacks(UserError, key="error.too_many_packs"):
    """Too many packs are under way for this account."""


@dataclass(eq=False)
class PackPeriodUnknown(UserError, key="error.pack_period_unknown"):
    """What somebody typed names no period, or something else as well. ``words`` quotes it."""

    words: str


class NothingToRemind(UserError, key="error.nothing_to_remind"):
    """As far as the chat knows, none of the invoices in question is open. So there is nothing to snooze."""


class CheckUnderWay(UserError, key="error.check_under_way"):
    """The chat is being checked right now, so another check is pointless."""


# --- What a person did: payments ------------------------------------------------------------------------------------


class PaymentsOff(UserError, key="error.payments_off"):
    """The operator has switched payments off."""


@dataclass(eq=False)
class PaymentTooLarge(UserError, key="error.payment_too_large"):
    """The amount is above the operator's limit for a single payment."""

    amount: Decimal
    limit: Decimal


class NothingChosen(UserError, key="error.nothing_chosen"):
    """Several invoices were to be paid, and none was chosen."""


@dataclass(eq=False)
class TooManyChosen(UserError, key="error.too_many_chosen"):
    """More invoices were ticked than can be dealt with at once."""

    n: int


class NoneToPay(UserError, key="error.none_to_pay"):
    """There is no open invoice that could be paid here."""


class NoneOfThese(UserError, key="error.none_of_these"):
    """None of the invoices that a button is about can be paid here any more."""


class NotAllRead(UserError, key="error.not_all_read"):
    """Of the invoices that could be read none can be paid here, and others could not be read."""


class NothingToPay(UserError, key="error.nothing_to_pay"):
    """The invoice is paid, cancelled or refunded, or nothing is left to pay on it."""


@dataclass(eq=False)
class NotOpen(UserError, key="error.not_open"):
    """The invoice is no longer open. Nobody knows whether it is still to be paid. ``status`` is the provider's word."""

    status: str


class UnclearSum(UserError, key="error.unclear_sum"):
    """The invoice's own figures don't say what is left to pay, so no amount can be confirmed."""


class NoCreditApplied(UserError, key="error.no_credit_applied"):
    """The invoice has no credit that could be taken back, or is no longer open."""


@dataclass(eq=False)
class ReferenceTooLong(UserError, key="error.reference_too_long"):
    """A transfer can't carry so long a reference."""

    length: int
    most: int


class ReferenceUnreadable(UserError, key="error.reference_unreadable"):
    """The reference is empty, or has signs that no bank carries."""


@dataclass(eq=False)
class NameTooLong(UserError, key="error.name_too_long"):
    """A service's name would leave no room for anything else."""

    length: int
    most: int


@dataclass(eq=False)
class NoService(UserError, key="error.no_service"):
    """An invoice is not for a service of its own number, so it has no row."""

    id: int


class PressByOther(UserError, key="error.press_by_other"):
    """The person who pressed the button is not the one who asked."""


class ConfirmationExpired(UserError, key="error.confirmation_expired"):
    """The button is too old, already used, or was never ours."""


class QuestionOver(ConfirmationExpired):
    """Nothing in the message can be pressed any more, so its buttons can go."""


class CommandNeeded(QuestionOver, key="button.unknown"):
    """The message's buttons were made for another link than the present one. The command makes new ones."""


class AlreadyUnderWay(ConfirmationExpired, key="error.already_under_way"):
    """What the button asks for was pressed before, and is being carried out right now."""


class PaymentInProgress(UserError, key="error.payment_in_progress"):
    """The same invoice of the same account is being paid, or its credit taken back, right now."""


# --- The store ------------------------------------------------------------------------------------------------------


class PackLost(BotError):
    """A pack is not held any more: another process makes it, or its chat was unlinked."""


class StoreAway(BotError, key="error.store_away"):
    """The database can't be reached or does not answer in time. The caller may try again."""


@dataclass(eq=False)
class ChatUnreadable(BotError, key="error.chat_unreadable"):
    """What is stored of a chat is damaged, or its token does not open. ``reason`` is for the operator."""

    reason: str


@dataclass(eq=False)
class PaymentsUnreadable(BotError, key="error.payments_unreadable"):
    """The stored payments of an account are damaged. ``reason`` is for the operator."""

    reason: str


@dataclass(eq=False)
class StoreUnwritable(StoreAway):
    """The data folder can't be written to: its disk is full or read-only, say. ``reason`` is the system's word."""

    reason: str


# --- Starting up ----------------------------------------------------------------------------------------------------


class StartError(Exception):
    """The bot can't start, or can't go on. The message tells the operator what to do, in English, as the logs are."""
