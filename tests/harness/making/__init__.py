"""Makes orders together with what must become of them."""
