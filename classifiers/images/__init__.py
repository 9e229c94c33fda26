"""The ``image`` classifier: are a message's pictures sexual, and are they pictures known to be bad? Pure.

A picture goes through these steps, one file each: `header` (what the bytes claim, before anything is decoded),
`decode` (pixels, as few as will do), `views` (the squares that are looked at), `detector` and `nudity` (what is seen in
them), `hashes` and `known` (what is recognised). `classifier` puts them together. What cannot be judged is `Refused`.
"""
