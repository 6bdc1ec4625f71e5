"""NeuronExplorer: where the neurons of a trained model are active, on the reader's text.

Holds only the figure's state: drawing and computing are in `neuron_explorer.js`.
Taught in chapter 8.
"""

from __future__ import annotations

import traitlets

from transformer_lab.widgets.live_figure import LiveFigure


class NeuronExplorer(LiveFigure):
    """A live figure of the neurons in a model's feed-forward layers.

    Keyword Args:
        model_file: a model as bytes, from `TrainedModel.to_bytes()`.
        text: what stands in the text box at first.
        layer, neuron: the neuron that is shown at first, counted from 0.
    """

    _module = "neuron_explorer.js"

    model_file = traitlets.Bytes().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    layer = traitlets.Int(0, min=0).tag(sync=True)
    neuron = traitlets.Int(0, min=0).tag(sync=True)
