-- Grain: one row per customer who asked to be forgotten. A build adds none: the operation forget_customer does, and no
-- rebuild may lose them.
with

forgotten_customers as (
    select cast(null as varchar) as customer_id
)

select * from forgotten_customers
where false
