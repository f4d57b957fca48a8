-- What somebody in a hurry writes for one shop, once: order lines typed, without exact copies, joined with
-- their products; orders; RFM quintiles; daily sales. No rejected rows, history, contracts or tests.
create table lines as
with raw as (
    select distinct * from read_csv('{raw}/orders.csv', all_varchar = true)
),

typed as (
    select
        upper(trim(order_id)) as order_id,
        upper(trim(customer_id)) as customer_id,
        upper(trim(product_id)) as product_id,
        try_cast(quantity as integer) as quantity,
        try_cast(order_date as timestamp) as ordered_at,
        try_cast(unit_price as decimal(18, 4)) as unit_price,
        coalesce(try_cast(discount_amount as decimal(18, 4)), 0) as discount_amount,
        lower(order_status) as order_status,
        channel
    from raw
)

select
    typed.*,
    products.cost,
    cast(typed.quantity * coalesce(typed.unit_price, products.price) - typed.discount_amount as decimal(18, 2))
        as revenue
from typed
left join read_parquet('{raw}/products.parquet') as products using (product_id)
where
    typed.order_id is not null
    and typed.product_id is not null
    and typed.quantity > 0
    and typed.ordered_at between '1990-01-01' and '2026-01-01'
    and typed.order_status != 'cancelled';

create table orders as
select
    order_id,
    min(customer_id) as customer_id,
    min(ordered_at) as ordered_at,
    sum(quantity) as unit_count,
    sum(revenue) as revenue
from lines
group by order_id;

-- Quintiles; equal values stand in the middle of their places.
create macro rfm_score(first_place, last_place, customers) as case
    when first_place = 1 and last_place = customers then 3
    when first_place = 1 then 1
    when last_place = customers then 5
    else least(5, 1 + floor(5 * (first_place + last_place - 2) / (2 * (customers - 1))))
end;

create table rfm as
with customers as (
    select
        customer_id,
        date '2025-07-01' - max(ordered_at)::date as recency_days,
        count(*) as frequency,
        sum(revenue) as monetary
    from orders
    where customer_id is not null
    group by customer_id
)

select
    *,
    rfm_score(rank() over r, count(*) over r, count(*) over ()) as r_score,
    rfm_score(rank() over f, count(*) over f, count(*) over ()) as f_score,
    rfm_score(rank() over m, count(*) over m, count(*) over ()) as m_score
from customers
window
    r as (order by recency_days desc),
    f as (order by frequency),
    m as (order by monetary);

create table daily_sales as
select
    ordered_at::date as order_date,
    count(*) as order_count,
    count(distinct customer_id) as customer_count,
    sum(revenue) as revenue
from orders
group by 1;
