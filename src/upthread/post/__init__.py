"""Communities, posts, votes on posts, feeds."""
