"""`python -m peon` is `peon`."""

import sys

from peon.main import main

sys.exit(main())
