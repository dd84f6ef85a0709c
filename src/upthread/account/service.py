"""What can be done with people, their sessions and their inbox: the only door of the account room."""

from upthread.account.model import (
    Device,
    KarmaChanged,
    NewSession,
    NoticeArrived,
    NoticePage,
    Person,
    PersonPage,
    Session,
    Settings,
    SignedIn,
    WrittenContent,
)


class AccountService:
    """People, sessions, inbox. Every method is one call, near or far, with typed ends."""

    async def sign_up(self, name: str, password: str, device: Device) -> NewSession:
        """Make an account and sign in.

        Raises:
            Invalid: fields name (misshapen or taken) or password (too short, too long, or the name itself).
            RateLimited: too many new accounts from this address.
        """
        raise NotImplementedError

    async def log_in(self, name: str, password: str, device: Device) -> NewSession:
        """Sign in. The answer and its time are the same for a wrong password and a name that does not exist.

        Raises:
            SignInNeeded: name and password do not match.
            RateLimited: too many failures for this name or from this address.
        """
        raise NotImplementedError

    async def signed_in(self, token: str) -> SignedIn | None:
        """Whose session this token opens, with settings and unread count; None if it is unknown or has ended."""
        raise NotImplementedError

    async def log_out(self, token: str) -> None:
        """End the session of this token. Doing so twice changes nothing."""
        raise NotImplementedError

    async def sessions(self, person_id: int) -> list[Session]:
        """A person's open sessions, used last first."""
        raise NotImplementedError

    async def end_session(self, person_id: int, session_id: int) -> None:
        """End one session of this person."""
        raise NotImplementedError

    async def end_sessions(self, person_id: int, *, keep: int | None = None) -> int:
        """End all sessions of this person but ``keep``; how many ended."""
        raise NotImplementedError

    async def change_password(self, person_id: int, current: str, new: str, session_id: int) -> None:
        """Set a new password and end every session but this one.

        Raises:
            Invalid: fields current (does not match) or new.
            RateLimited: too many failures.
        """
        raise NotImplementedError

    async def person(self, name: str) -> Person:
        """Somebody by name, in any case.

        Raises:
            NotFound: never was. Gone: the account was deleted.
        """
        raise NotImplementedError

    async def edit_profile(self, person_id: int, bio: str) -> Person:
        """Set what one says about oneself (Markdown, at most 2,000 characters; field bio)."""
        raise NotImplementedError

    async def change_settings(self, person_id: int, settings: Settings) -> None:
        """Set how the site looks for this person."""
        raise NotImplementedError

    async def delete_account(self, person_id: int, password: str, content: WrittenContent) -> None:
        """Delete the account for good: profile, password, sessions and inbox at once, the name on what they wrote
        (and, with ``erase``, the texts) as soon as the other services have taken note. The name stays taken.

        Raises:
            Invalid: field password; it does not match.
            RateLimited: too many failures.
        """
        raise NotImplementedError

    async def find_people(self, text: str, after: str | None = None, limit: int = 10) -> PersonPage:
        """People whose name begins with this text, or whose profile has these words; by name."""
        raise NotImplementedError

    # inbox

    async def inbox(
        self, person_id: int, *, unread_only: bool = False, after: str | None = None, limit: int = 25
    ) -> NoticePage:
        """Replies and mentions, newest first."""
        raise NotImplementedError

    async def mark_read(self, person_id: int, notice_ids: list[int], read: bool = True) -> None:
        """Mark these inbox entries as read, or as unread again."""
        raise NotImplementedError

    async def mark_all_read(self, person_id: int) -> None:
        """Mark the whole inbox as read."""
        raise NotImplementedError

    # for operators

    async def set_admin(self, name: str, is_admin: bool) -> Person:
        """Make somebody an administrator, or no longer one."""
        raise NotImplementedError

    async def reset_password(self, name: str, password: str) -> None:
        """Set a password without knowing the old one, and end every session."""
        raise NotImplementedError

    # from elsewhere

    async def import_people(self, names: list[str], created_at: int) -> dict[str, int]:
        """Ids for these names, making people without a password where there are none. Idempotent."""
        raise NotImplementedError

    async def notices_arrived(self, events: list[NoticeArrived]) -> None:
        """Put replies and mentions into inboxes, once each; names that nobody has are passed over."""
        raise NotImplementedError

    async def karma_changed(self, events: list[KarmaChanged]) -> None:
        """Take note of karma. Idempotent; older news than what is known is passed over."""
        raise NotImplementedError

    async def check(self) -> None:
        """Answer if the database does.

        Raises:
            Unavailable: it does not.
        """
        raise NotImplementedError
