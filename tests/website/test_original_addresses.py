"""What our website makes of what comes from the original: its addresses, and its posts and comments by nobody known."""

import pytest

from tests.website.conftest import Site
from upthread import seed
from upthread.account.guests import introduced, new_guest
from upthread.comment.model import thread_of
from upthread.post.model import PostDraft

pytestmark = pytest.mark.anyio


async def test_addresses_with_the_original_ids_lead_to_ours(site: Site) -> None:
    """A link to a post by its 24 hex digits, in either case, leads to its page; of any other post there is no such."""
    post = await site.services.post.submit(new_guest(), PostDraft(community="", title="A wren"))
    object_id = seed.object_id(post.created_at, post.id)
    visitor = await site.visitor()
    for address in (object_id, object_id.upper()):
        answer = await visitor.get(f"/post/{address}")
        assert (answer.status_code, answer.headers["location"]) == (301, f"/post/{post.id}")
    for unknown in ("0" * 8 + object_id[8:], object_id[:-1] + "7", "f" * 24, object_id + "0"):
        assert (await visitor.get(f"/post/{unknown}")).status_code == 404


async def test_who_gave_no_name_is_a_guest(site: Site) -> None:
    """A post and a comment without a name, as the contract allows, are shown as a guest's."""
    draft = PostDraft(community="", title="A wren", url="https://example.org/", sent_created_at="1699999000")
    post = await site.services.post.submit(new_guest(), draft)
    await site.services.comment.add(introduced(new_guest(), "", ""), thread_of(post), None, "So small!", "1699999001")
    page = (await (await site.visitor()).get(f"/post/{post.id}")).text
    assert "So small!" in page
    assert page.count("<i>guest</i>") == 2
    assert "[deleted]" not in page
