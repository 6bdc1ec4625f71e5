// The worker of the smallest real model: it echoes.
onmessage = ({ data }) => postMessage(data);
