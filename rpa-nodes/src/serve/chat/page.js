const log = document.getElementById("log");
const message = document.getElementById("message");
const random = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const user = random();
const show = (text, name) => {
  const line = document.createElement("p");
  line.className = name;
  // A text, whatever it looks like.
  line.textContent = text;
  log.append(line);
  line.scrollIntoView();
};
document.getElementById("say").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = message.value;
  message.value = "";
  show(text, "mine");
  try {
    const answer = await fetch(location.pathname, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ message: text, user_id: user, key: random() }),
    });
    const said = await answer.json();
    if (answer.ok) show(said.reply ?? "…", "reply");
    else show(said.error ?? "That did not work.", "wrong");
  } catch (error) {
    show("Nobody answers. Send it again.", "wrong");
  }
});
