// Built from web/client by `npm run pages`. Not to be edited.
var e=new URLSearchParams(location.hash.slice(1)).get("invite"),a=document.querySelector("#invitation");e&&a&&(a.value=e,history.replaceState(null,"",location.pathname));
