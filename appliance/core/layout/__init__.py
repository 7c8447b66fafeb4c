"""What is seen: views in, frames out (Pillow, mode "1", 128x64), one module per screen.

Pure but for one thing: the fonts are read from the text files beside these modules, once.
"""
