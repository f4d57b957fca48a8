terraform {
  required_version = ">= 1.5"
  required_providers {
    airbyte = {
      source = "airbytehq/airbyte"
      # Generic sources and destinations, whose settings the connector's own specification checks at `terraform plan`.
      version = "~> 1.1"
    }
  }
}

provider "airbyte" {
  server_url    = var.airbyte_url
  client_id     = var.airbyte_client_id
  client_secret = var.airbyte_client_secret
}
