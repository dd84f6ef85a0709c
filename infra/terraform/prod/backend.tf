terraform {
  # Which bucket is told at init, as its name is yours: -backend-config=bucket=NAME
  backend "gcs" {
    prefix = "upthread/prod"
  }
}
