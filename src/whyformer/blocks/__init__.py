"""One equation of a paper per file: a function computes it, and a module holds the parameters.

Glossary of the dimension names and arguments in this package:

=============  ==================================================================================
batch          sequences computed together
source target  positions of the encoder sequence and of the decoder sequence
queries keys   positions that attend, and positions that they attend to
heads          parallel attention heads of a layer (h in the paper)
d_model        width of the residual stream
d_k d_v        width of a query or key, and of a value, inside one head
d_ff           inner width of the feed-forward layer
allowed        boolean mask, True = this query may attend to this key; None allows all
causal         position t may attend to positions 0..t only
history        keys and values of the positions decoded so far
=============  ==================================================================================
"""
