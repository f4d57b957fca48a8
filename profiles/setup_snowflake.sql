-- Rendered by `dbt run-operation setup_snowflake`; a test keeps this copy equal. Run it as a user who may
-- take the roles USERADMIN, SECURITYADMIN and SYSADMIN. To run it again is harmless.

-- Who loads, who builds, who reads. SYSADMIN manages what they own.
use role USERADMIN;
create role if not exists LOADER comment = 'Loads raw tables, and sees nothing else';
create role if not exists TRANSFORMER comment = 'Runs dbt: reads raw tables, owns what it builds';
create role if not exists REPORTER comment = 'Reads the marts, personal data masked';

use role SECURITYADMIN;
grant role LOADER to role SYSADMIN;
grant role TRANSFORMER to role SYSADMIN;
grant role REPORTER to role SYSADMIN;

-- One warehouse per kind of work, so that each is sized and paid for by itself. All sleep after a minute.
use role SYSADMIN;
create warehouse if not exists LOADING
    warehouse_size = XSMALL auto_suspend = 60 auto_resume = true initially_suspended = true
    comment = 'COPY INTO';
create warehouse if not exists TRANSFORMING
    warehouse_size = XSMALL auto_suspend = 60 auto_resume = true initially_suspended = true
    comment = 'dbt';
create warehouse if not exists REPORTING
    warehouse_size = XSMALL auto_suspend = 60 auto_resume = true initially_suspended = true
    comment = 'Dashboards';
-- For training on large samples (SNOWFLAKE_ML_WAREHOUSE = TRAINING); costs nothing until it is named.
create warehouse if not exists TRAINING
    warehouse_type = 'SNOWPARK-OPTIMIZED' warehouse_size = MEDIUM max_concurrency_level = 1
    auto_suspend = 60 auto_resume = true initially_suspended = true
    comment = 'Python models';
grant usage on warehouse LOADING to role LOADER;
grant usage on warehouse TRANSFORMING to role TRANSFORMER;
grant usage on warehouse TRAINING to role TRANSFORMER;
grant usage on warehouse REPORTING to role REPORTER;

-- Raw tables: the loader makes them, dbt reads them, the reporter never gets here.
create database if not exists RAW;
create schema if not exists RAW.SHOP;
grant usage, create schema on database RAW to role LOADER;
grant usage, create table, create stage, create file format on schema RAW.SHOP to role LOADER;
grant usage on database RAW to role TRANSFORMER;
grant usage on schema RAW.SHOP to role TRANSFORMER;

use role SECURITYADMIN;
grant select on all tables in schema RAW.SHOP to role TRANSFORMER;
grant select on future tables in schema RAW.SHOP to role TRANSFORMER;
grant select on all views in schema RAW.SHOP to role TRANSFORMER;
grant select on future views in schema RAW.SHOP to role TRANSFORMER;

-- What dbt builds.
use role SYSADMIN;
create database if not exists ANALYTICS;
grant usage, create schema on database ANALYTICS to role TRANSFORMER;
grant usage on database ANALYTICS to role REPORTER;

-- Personal data is masked for every role but the one that builds: who builds must see it, or it would
-- store masks. The policy belongs to SYSADMIN; dbt may set it on its tables and not change it.
-- (Needs Enterprise Edition.)
create schema if not exists ANALYTICS.SECURITY;
create masking policy if not exists ANALYTICS.SECURITY.MASK_PERSONAL_DATA as (value varchar) returns varchar ->
    case when value is null or is_role_in_session('TRANSFORMER') then value else '***' end;
alter masking policy ANALYTICS.SECURITY.MASK_PERSONAL_DATA set body ->
    case when value is null or is_role_in_session('TRANSFORMER') then value else '***' end;
grant usage on schema ANALYTICS.SECURITY to role TRANSFORMER;
grant apply on masking policy ANALYTICS.SECURITY.MASK_PERSONAL_DATA to role TRANSFORMER;

-- The schemas of production, owned by who builds in them: dbt may make tables there, and in the one of the
-- Python models the stage of the modules that they import. The reporter enters those of the marts; what it may
-- select there dbt grants table by table, after masking: a future grant would come before it.
use role TRANSFORMER;
create schema if not exists ANALYTICS.raw;
create schema if not exists ANALYTICS.core;
create schema if not exists ANALYTICS.customers;
create schema if not exists ANALYTICS.features;
create schema if not exists ANALYTICS.inventory;
create schema if not exists ANALYTICS.ml;
create schema if not exists ANALYTICS.monitoring;
create schema if not exists ANALYTICS.sales;
create schema if not exists ANALYTICS.staging;
grant usage on schema ANALYTICS.core to role REPORTER;
grant usage on schema ANALYTICS.customers to role REPORTER;
grant usage on schema ANALYTICS.inventory to role REPORTER;
grant usage on schema ANALYTICS.monitoring to role REPORTER;
grant usage on schema ANALYTICS.sales to role REPORTER;
