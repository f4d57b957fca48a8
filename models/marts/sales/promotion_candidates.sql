-- Grain: one row per product with more stock than it sells. excess_units, excess_value and promotion_score add up.
with

inventory_status as (
    select
        product_id,
        product_name,
        category,
        days_since_count,
        stock_quantity,
        available_quantity,
        daily_demand,
        days_of_cover,
        stock_status
    from {{ ref('inventory_status') }}
    where stock_status in ('overstock', 'no_demand')
),

products as (
    select
        product_id,
        product_name,
        unit_price,
        unit_cost
    from {{ ref('dim_products') }}
),

product_pairs as (
    select
        product_id,
        other_product_id,
        confidence,
        lift
    from {{ ref('product_pairs') }}
    -- Together more often than by chance.
    where lift > 1
),

-- Beside what does it sell? The share of the other product's orders that hold this one.
partners as (
    select
        product_pairs.other_product_id as product_id,
        product_pairs.product_id as partner_product_id,
        coalesce(products.product_name, products.product_id) as partner_product_name,
        product_pairs.confidence,
        product_pairs.lift,
        row_number() over (
            partition by product_pairs.other_product_id
            order by product_pairs.confidence desc, product_pairs.lift desc, product_pairs.product_id asc
        ) as partner_rank
    from product_pairs
    inner join products
        on product_pairs.product_id = products.product_id
),

measured as (
    select
        inventory_status.product_id,
        inventory_status.product_name,
        inventory_status.category,
        inventory_status.stock_status,
        inventory_status.days_since_count,
        inventory_status.stock_quantity,
        inventory_status.available_quantity,
        inventory_status.days_of_cover,
        inventory_status.available_quantity
        - cast(floor({{ var('overstock_days') }} * inventory_status.daily_demand) as bigint) as excess_units,
        products.unit_cost,
        products.unit_price,
        cast(products.unit_price - products.unit_cost as double) / nullif(products.unit_price, 0) as margin_rate,
        partners.partner_product_id,
        partners.partner_product_name,
        partners.confidence,
        partners.lift
    from inventory_status
    inner join products
        on inventory_status.product_id = products.product_id
    left join partners
        on
            inventory_status.product_id = partners.product_id
            and partners.partner_rank = 1
),

promotion_candidates as (
    select
        product_id,
        product_name,
        category,
        stock_status,
        days_since_count,
        stock_quantity,
        available_quantity,
        days_of_cover,
        excess_units,
        cast(excess_units * unit_cost as decimal(18, 2)) as excess_value,
        margin_rate,
        partner_product_id,
        partner_product_name,
        confidence as affinity,
        lift,
        -- What the excess would earn, by how readily it is bought beside its partner.
        cast(excess_units * (unit_price - unit_cost) as double) * coalesce(confidence, 0) as promotion_score,
        case stock_status
            when 'no_demand' then 'None sold in 90 days'
            else 'Stock for ' || {{ days_in_words('days_of_cover') }}
        end
        || coalesce('; bought with ' || partner_product_name, '; seldom bought with anything else')
        || case
            when margin_rate is null then '; no cost is known.'
            when margin_rate <= 0 then '; earns nothing at its price.'
            else '.'
        end as promotion_reason,
        {{ as_of_date() }} as as_of_date
    from measured
)

select * from promotion_candidates
