"""The command line."""

from __future__ import annotations

import asyncio
import sys

import click

from bot import __version__, logs
from bot.commands.chats import chats
from bot.commands.data import migrate, move, rekey
from bot.commands.outbox import outbox
from bot.domain.chats import LANGUAGES
from bot.errors import StartError
from bot.garbage import no_collections
from bot.invocation import program


class _Commands(click.Group):
    """Prints the sentence of a :class:`StartError`, and exits with status 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except StartError as error:
            if not logs.flush():  # nobody reads standard error, so printing the sentence would never end
                sys.exit(1)
            raise click.ClickException(str(error)) from None


@click.group(cls=_Commands)
@click.version_option(__version__, prog_name="invoice-bot")
def main() -> None:
    """A Telegram bot for the invoices of a hosting provider. Settings come from the environment and .env."""


@main.command()
def run() -> None:
    """Run the bot until it is stopped."""
    with no_collections():
        from bot import application
        from bot.settings import load_settings

        settings = load_settings()
        application.configure_logs(settings)
        asyncio.run(application.run(settings))


@main.command()
@click.option("--language", type=click.Choice(LANGUAGES), default=LANGUAGES[0], help="The user's language.")
@click.option("--port", type=click.IntRange(1, 65535), help="The page's port. Default: a fixed one if it is free.")
@click.option("--browser/--no-browser", default=True, help="Open the page, if there is a browser. The default.")
@click.option("--story", is_flag=True, help="Play a short story here. The default without a terminal and --port.")
def demo(language: str, port: int | None, *, browser: bool, story: bool) -> None:
    """Try the bot in a browser, without Telegram and a provider.

    Both have a stand-in on this machine.
    """
    try:
        from bot.sandbox.demo import show_page, tell_story
    except ModuleNotFoundError as error:
        raise StartError(
            f"The demo needs the extra packages of the sandbox ({error.name} is missing): pip install '.[demo]'"
        ) from None
    terminal = sys.stdin.isatty()
    if story or not (terminal or port):
        tell_story(language)
    else:
        show_page(language, port, in_browser=browser and terminal)


@main.command()
def doctor() -> None:
    """Check settings, store, key, Telegram and the provider. Each line is OK or says what to do."""
    from bot.doctor import Finding, examine

    async def report() -> list[Finding]:
        findings = []
        async for finding in examine():
            mark = click.style(" ✗", fg="red") if finding.advice else click.style("OK", fg="green")
            click.echo(f"{mark} {finding.what}: {finding.advice or finding.detail}")
            findings.append(finding)
        return findings

    if any(finding.advice for finding in asyncio.run(report())):
        sys.exit(1)


@main.command()
def health() -> None:
    """Ask the bot on this machine whether it is alive. It must listen on WEB_LISTEN."""
    from bot.health import ask
    from bot.settings import load_store_settings

    address = load_store_settings().web_listen
    if address is None:
        raise StartError("The bot listens nowhere. Set WEB_LISTEN, for example to 127.0.0.1:8080.")
    click.echo(ask(*address))


for command in (migrate, move, rekey, chats, outbox):
    main.add_command(command)


if __name__ == "__main__":
    main(prog_name=program())
