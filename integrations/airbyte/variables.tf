variable "airbyte_url" {
  description = "Airbyte's API; of one of your own https://<host>/api/public/v1."
  type        = string
  default     = "https://api.airbyte.com/v1"
}

variable "airbyte_client_id" {
  description = "Of an application (User settings, Applications)."
  type        = string
}

variable "airbyte_client_secret" {
  description = "Of the same application."
  type        = string
  sensitive   = true
}

variable "workspace_id" {
  description = "The workspace that holds all of it."
  type        = string
}

variable "schedule" {
  description = "When to sync: a Quartz cron expression, before the daily build."
  type        = string
  default     = "0 0 3 * * ?"
}

variable "storage" {
  description = "The S3-compatible storage: where the shop puts its files, and where the lake is."
  type = object({
    endpoint     = string
    region       = string
    files_bucket = string
    lake_bucket  = string
  })
}

variable "storage_access_key_id" {
  description = "May read the bucket of files, and read and write the lake's."
  type        = string
  sensitive   = true
}

variable "storage_secret_access_key" {
  description = "Its secret."
  type        = string
  sensitive   = true
}

variable "hubspot_access_token" {
  description = "Of a private app with the scopes crm.objects.contacts.read and crm.schemas.contacts.read."
  type        = string
  sensitive   = true
}

variable "snowflake" {
  description = "Who loads into which account: a user with the role LOADER of docs/snowflake.md."
  type = object({
    host     = string
    username = string
  })
}

variable "snowflake_private_key" {
  description = "The user's private key, as PEM."
  type        = string
  sensitive   = true
}

variable "snowflake_private_key_passphrase" {
  description = "The key's passphrase."
  type        = string
  sensitive   = true
}
