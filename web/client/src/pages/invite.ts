// Takes an invitation's code from the link's fragment, which only the browser knows, into the form.

const code = new URLSearchParams(location.hash.slice(1)).get("invite");
const field = document.querySelector<HTMLInputElement>("#invitation");
if (code && field) {
  field.value = code;
  // Not to be seen, nor kept in the history.
  history.replaceState(null, "", location.pathname);
}
