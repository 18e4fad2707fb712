"""`script/server`: the whole platform on one machine under one supervisor."""
