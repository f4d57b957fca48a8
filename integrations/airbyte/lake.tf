# Files and contacts to a bucket whose copy is the folder that DuckDB reads (CLIENTELE_RAW_DIR).
data "airbyte_connector_configuration" "lake" {
  connector_name = "destination-s3"

  configuration = {
    s3_endpoint      = var.storage.endpoint
    s3_bucket_name   = var.storage.lake_bucket
    s3_bucket_path   = "raw"
    s3_bucket_region = var.storage.region
    # A folder per stream: a relation in a mapping.
    s3_path_format = "$${STREAM_NAME}/$${YEAR}_$${MONTH}_$${DAY}_$${EPOCH}_"
    format = {
      format_type = "JSONL"
      # A field per column, not one field with all of them.
      flattening  = "Root level flattening"
      compression = { compression_type = "GZIP" }
    }
  }

  configuration_secrets = {
    access_key_id     = var.storage_access_key_id
    secret_access_key = var.storage_secret_access_key
  }
}

resource "airbyte_destination" "lake" {
  name          = "Lake"
  workspace_id  = var.workspace_id
  definition_id = data.airbyte_connector_configuration.lake.definition_id
  configuration = data.airbyte_connector_configuration.lake.configuration_json
}

resource "airbyte_connection" "files_to_lake" {
  name           = "The shop's files to the lake"
  source_id      = airbyte_source.files.source_id
  destination_id = airbyte_destination.lake.destination_id
  configurations = { streams = local.file_streams }
  schedule       = { schedule_type = "cron", cron_expression = var.schedule }
}

resource "airbyte_connection" "hubspot_to_lake" {
  name           = "HubSpot contacts to the lake"
  source_id      = airbyte_source.hubspot.source_id
  destination_id = airbyte_destination.lake.destination_id
  # A bucket has no keys: a changed contact comes again, and the mapping takes the newest.
  configurations = {
    streams = [{ name = "contacts", sync_mode = "incremental_append", cursor_field = ["updatedAt"] }]
  }
  schedule = { schedule_type = "cron", cron_expression = var.schedule }
}
