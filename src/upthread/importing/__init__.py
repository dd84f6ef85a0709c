"""Takes over posts, threads and people from elsewhere: so far from reddit's public dumps."""
