// Opens the viewer on the description of this server, and asks no other.
"use strict";

SwaggerUIBundle({
  dom_id: "#viewer",
  url: "v1/openapi.json",
  deepLinking: true,
  validatorUrl: null,
});
