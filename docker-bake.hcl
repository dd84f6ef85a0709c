# All images at once: `make images` for this machine, `make push` for amd64 and arm64.
# Names and versions are those of deploy/compose.yaml; VARIANT=hardened makes the images without a shell.

variable "USERNAME" { default = "upthread" }
variable "VARIANT" { default = "slim" }
variable "VERSION" { default = "latest" }
variable "COMMIT" { default = "" }

group "default" {
  targets = ["image"]
}

# The versions of single parts, where they are not all the same.
variable "UI_VERSION" { default = VERSION }
variable "POST_VERSION" { default = VERSION }
variable "COMMENT_VERSION" { default = VERSION }
variable "ACCOUNT_VERSION" { default = VERSION }
variable "MONOLITH_VERSION" { default = VERSION }

# For developing on this machine (deploy/compose.override.yaml); not among the others, as nobody needs to push it.
target "dev" {
  target = "dev"
  tags   = ["${USERNAME}/dev"]
}

target "image" {
  name = part.name
  matrix = {
    part = [
      { name = "ui", version = UI_VERSION },
      { name = "post", version = POST_VERSION },
      { name = "comment", version = COMMENT_VERSION },
      { name = "account", version = ACCOUNT_VERSION },
      { name = "monolith", version = MONOLITH_VERSION },
    ]
  }
  target = part.name
  args = {
    VARIANT = VARIANT
    VERSION = part.version == "latest" ? "" : part.version
    COMMIT  = COMMIT
  }
  tags   = ["${USERNAME}/${part.name}:${part.version}${VARIANT == "slim" ? "" : "-${VARIANT}"}"]
}
