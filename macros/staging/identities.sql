{# Whether the mapping (var `shop`) joins the ids of one person: its key `identity` is `email`, or not set. #}
{% macro joins_identities() %}
    {%- set identity = clientele.shop_mapping().get('identity') -%}
    {%- if identity not in [none, 'email'] -%}
        {{ exceptions.raise_compiler_error("The shop's mapping has the identity '" ~ identity ~ "'; it is 'email', or left out.") }}
    {%- endif -%}
    {{- return(identity is not none) -}}
{% endmacro %}

{# The id under which a customer is kept: with `identity: email`, of all ids with one e-mail address the one that
   registered first, of several such the smallest; an address that many ids share is nobody's own.

   Arguments:
     condition (string): which records count; one per customer. #}
{% macro person_id(condition) -%}
    {%- if clientele.joins_identities() -%}
    case
        when
            email is not null
            and count(*) over (partition by email, {{ condition }}) <= {{ var('identity_most_ids') }}
            then first_value(customer_id) over (
                partition by email, {{ condition }} order by registration_date nulls last, customer_id
                rows between unbounded preceding and unbounded following
            )
        else customer_id
    end
    {%- else -%} customer_id {%- endif -%}
{%- endmacro %}

{# Select of a base model, its customers' ids joined where the mapping asks for it.

   Arguments:
     model (string): name of a base model with customer_id. #}
{% macro records_of_persons(model) -%}
    {%- if clientele.joins_identities() %}
    select records.* replace (coalesce(identities.person_id, records.customer_id) as customer_id)
    from {{ ref(model) }} as records
    left join {{ ref('base_shop__customer_identities') }} as identities
        on records.customer_id = identities.customer_id
    {%- else %}
    select * from {{ ref(model) }}
    {%- endif %}
{%- endmacro %}
