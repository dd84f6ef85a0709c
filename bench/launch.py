"""``upthread`` as it is, but with as many comments on a thread's page as the first argument says.

The targets speak of 500 comments, and the website shows 200 and a link onward. The second argument is how many posts
and comments are remembered as HTML: the site's own number, or 0 to see what a page costs that nobody has looked at.
"""

import sys

from upthread.cli import main
from upthread.ui import rows
from upthread.ui.pages import posts

if __name__ == "__main__":
    posts.SHOWN_COMMENTS = int(sys.argv.pop(1))
    rows.REMEMBERED = int(sys.argv.pop(1))
    main()
