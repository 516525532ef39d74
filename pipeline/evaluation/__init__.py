"""Measures of how well a sound fits its picture: plain functions over arrays.

    clips.py        clips side by side: what a measure accepts, checked once
    waveform.py     a waveform's power in spans of samples, in dB
    presence.py     when something sounds: frame F1, ROC AUC, recall off-screen, toggles
    envelope.py     how loud it is over time: envelope and level correlation, presence by threshold
    onsets.py       when it hits: the onsets of a waveform
    onset_match.py  detected onsets against true ones: recall, error, one-to-one matching
    seams.py        whether a long sound shows where its windows meet: steps, dips, drift of loudness
    frechet.py      how far two sets of features lie apart
    metrics.py      all of them by name, over judged clips
    bootstrap.py    how sure we are: intervals over resampled clips, paired differences
    effects.py      one system against another, in one sentence
    table.py        systems x measures, as Markdown and JSON

A measure that its data leave undefined (no true onset, a flat truth) is NaN; wrong input raises ValueError.
Measures pooled over clips take an index of clips, or offer their per-clip part, so that `bootstrap` can resample them.
"""
