# Files and contacts to RAW.SHOP, where staging reads them: docs/snowflake.md.
data "airbyte_connector_configuration" "snowflake" {
  connector_name = "destination-snowflake"

  configuration = {
    host      = var.snowflake.host
    username  = var.snowflake.username
    role      = "LOADER"
    warehouse = "LOADING"
    database  = "RAW"
    schema    = "SHOP"
    # Money stays exact.
    number_data_type = "NUMBER(38,9)"
    # An id keeps its blanks; staging trims.
    trim_space = false
  }

  configuration_secrets = {
    credentials = {
      auth_type            = "Key Pair Authentication"
      private_key          = var.snowflake_private_key
      private_key_password = var.snowflake_private_key_passphrase
    }
  }
}

resource "airbyte_destination" "snowflake" {
  name          = "Snowflake raw"
  workspace_id  = var.workspace_id
  definition_id = data.airbyte_connector_configuration.snowflake.definition_id
  configuration = data.airbyte_connector_configuration.snowflake.configuration_json
}

resource "airbyte_connection" "files_to_snowflake" {
  name           = "The shop's files to Snowflake raw"
  source_id      = airbyte_source.files.source_id
  destination_id = airbyte_destination.snowflake.destination_id
  configurations = { streams = local.file_streams }
  schedule       = { schedule_type = "cron", cron_expression = var.schedule }
}

resource "airbyte_connection" "hubspot_to_snowflake" {
  name           = "HubSpot contacts to Snowflake raw"
  source_id      = airbyte_source.hubspot.source_id
  destination_id = airbyte_destination.snowflake.destination_id
  configurations = {
    streams = [{
      name         = "contacts"
      sync_mode    = "incremental_deduped_history"
      cursor_field = ["updatedAt"]
      primary_key  = [["id"]]
    }]
  }
  schedule = { schedule_type = "cron", cron_expression = var.schedule }
}
