"""One foreign format a module; `transfer.registry` lists them all."""
