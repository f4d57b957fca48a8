# The shop's files, as the raw contract has them: shops/README.md.
data "airbyte_connector_configuration" "files" {
  connector_name = "source-s3"

  configuration = {
    bucket      = var.storage.files_bucket
    endpoint    = var.storage.endpoint
    region_name = var.storage.region
    # A CSV's columns come as text, which is what staging types and checks.
    streams = [
      { name = "orders", globs = ["orders*.csv"], format = { filetype = "csv" } },
      { name = "customers", globs = ["customers*.json"], format = { filetype = "jsonl" } },
      { name = "products", globs = ["products*.parquet"], format = { filetype = "parquet" } },
      { name = "inventory", globs = ["inventory*.csv"], format = { filetype = "csv" } },
    ]
  }

  configuration_secrets = {
    credentials = {
      auth_type             = "iam_user"
      aws_access_key_id     = var.storage_access_key_id
      aws_secret_access_key = var.storage_secret_access_key
    }
  }
}

resource "airbyte_source" "files" {
  name          = "The shop's files"
  workspace_id  = var.workspace_id
  definition_id = data.airbyte_connector_configuration.files.definition_id
  configuration = data.airbyte_connector_configuration.files.configuration_json
}

# Contacts, which shops/hubspot_airbyte.yml reads as customers.
data "airbyte_connector_configuration" "hubspot" {
  connector_name = "source-hubspot"

  configuration = {
    start_date = "2006-06-01T00:00:00Z"
  }

  configuration_secrets = {
    credentials = {
      credentials_title = "Private App Credentials"
      access_token      = var.hubspot_access_token
    }
  }
}

resource "airbyte_source" "hubspot" {
  name          = "HubSpot"
  workspace_id  = var.workspace_id
  definition_id = data.airbyte_connector_configuration.hubspot.definition_id
  configuration = data.airbyte_connector_configuration.hubspot.configuration_json
}

locals {
  # A file comes whole at every sync.
  file_streams = [
    for name in ["orders", "customers", "products", "inventory"] :
    { name = name, sync_mode = "full_refresh_overwrite" }
  ]
}
