"""``upthread`` as it is, but with as many comments on a thread's page as the first argument says.

The targets speak of 500 comments, and the website shows 200 and a link onward.
"""

import sys

from upthread.cli import main
from upthread.ui.pages import posts

if __name__ == "__main__":
    posts.SHOWN_COMMENTS = int(sys.argv.pop(1))
    main()
