"""The checks by area. Importing this package registers them in the order in which they run.

What ends a session (kill switch, addresses, logout) comes last.
"""

from . import order, modify, many, gtt, position, money, market, quote, history, option, analytics, company
from . import payment, feed, login
