"""A database of orders, made by Python's own SQLite: python3 sql.py FILE

`orders` has two rows, and `stock` one article.
"""

import signal
import sqlite3
import sys

database = sqlite3.connect(sys.argv[1])
database.executescript(
    """
    DROP TABLE IF EXISTS orders;
    DROP TABLE IF EXISTS stock;
    CREATE TABLE orders (id INTEGER PRIMARY KEY, article TEXT, amount INTEGER CHECK (amount > 0));
    INSERT INTO orders VALUES (1, 'bolt', 100), (2, 'nut', 50);
    CREATE TABLE stock (article TEXT PRIMARY KEY, count INTEGER);
    INSERT INTO stock VALUES ('bolt', 4711);
    """
)
database.commit()
database.close()
signal.pause()
