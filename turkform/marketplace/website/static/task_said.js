// Tells the page around the frame to look what has become of the task; it believes nothing but that.
window.top.postMessage("turkform:look", "*");
