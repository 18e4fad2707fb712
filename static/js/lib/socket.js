/* A WebSocket that comes back: exponential pause with jitter, at once when the browser says it is online again.

   connect("/ws/projects/<id>/", { onMessage(message, send), onOpen(send), onState("open" | "lost") }) -> { send, close } */

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15000;
const REFUSED = new Set([4401, 4403, 4404]); // the server does not want us: asking again changes nothing

export function connect(path, { onMessage, onOpen = () => {}, onState = () => {} }) {
  const url = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}`;
  let socket = null;
  let pause = FIRST_PAUSE_MS;
  let timer = null;
  let closed = false;

  const send = (message) => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  };

  const open = () => {
    clearTimeout(timer);
    socket = new WebSocket(url);
    socket.addEventListener("open", () => {
      pause = FIRST_PAUSE_MS;
      onState("open");
      onOpen(send);
    });
    socket.addEventListener("message", (event) => onMessage(JSON.parse(event.data), send));
    socket.addEventListener("close", (event) => {
      if (closed || REFUSED.has(event.code)) return;
      onState("lost");
      timer = setTimeout(open, pause * (0.75 + Math.random() / 2));
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    });
  };

  const retryNow = () => {
    if (!closed && socket?.readyState === WebSocket.CLOSED) open();
  };
  window.addEventListener("online", retryNow);
  open();
  return {
    send,
    close() {
      closed = true;
      clearTimeout(timer);
      window.removeEventListener("online", retryNow);
      socket?.close();
    },
  };
}
